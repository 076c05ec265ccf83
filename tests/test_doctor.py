"""Each check of the doctor, healthy and not, with the remedy."""

import json
import subprocess
import sys
from dataclasses import asdict

import pytest

import hvit_edge
from hvit_edge import doctor
from hvit_edge.cli import main
from hvit_edge.doctor import Check, Native, Report


def native(**changes):
    """Return the facts of a healthy runtime, with `changes`."""
    facts = {
        "version": hvit_edge.__version__,
        "kind": "full",
        "reason": "it loads",
        "backends": ["XnnpackBackend", "HvitEdgeBackend"],
        "cpu_features": ["avx2", "fma"],
        "instruction_set": "avx2",
        "auto_threads": 2,
    }
    return Native(**{**facts, **changes})


@pytest.mark.parametrize(
    ("check", "state", "found", "mend"),
    [
        (doctor.check_python((3, 9, 18)), "failed", "3.9.18", "Python 3.10"),
        (doctor.check_python((3, 10, 0)), "ok", "3.10.0", ""),
        (doctor.check_executorch(None), "warning", "those for xnnpack do not", "[executorch]"),
        (doctor.check_executorch("1.4.0"), "warning", "1.4.0, built against 1.5.1", "[executorch]"),
        (doctor.check_executorch("1.5.1+cpu"), "ok", "1.5.1+cpu", ""),
        (doctor.check_copies(["/a", "/b"]), "failed", "/a\n/b", "keep one"),
        (doctor.check_copies(["/a"]), "ok", "/a", ""),
        (doctor.check_numpy(None), "failed", "not installed", "pip install numpy"),
        (doctor.check_numpy("2.0.0"), "ok", "2.0.0", ""),
        (doctor.check_torch(None), "warning", "compile and validate do not", "[compile]"),
        (doctor.check_torch("2.9.0"), "warning", "tested with 2.13.0", "[compile]"),
        (doctor.check_torch("2.13.0+cpu"), "ok", "2.13.0+cpu", ""),
        (doctor.check_cpu("x86_64", native(cpu_features=["fma"])), "warning", "fma", "AVX2"),
        (doctor.check_cpu("x86_64", native()), "ok", "x86_64, 2 threads, avx2 fma", ""),
        (doctor.check_cpu("arm64", native(cpu_features=["neon"])), "ok", "neon", ""),
        (doctor.check_cpu("x86_64", native()), "ok", "native programs run with avx2", ""),
        (doctor.check_cpu("aarch64", None), "ok", "aarch64", ""),
        (doctor.check_cpu("riscv64", None), "warning", "riscv64", "wheels for x86_64"),
        (doctor.check_compiler(None), "warning", "none", "apt install g++"),
        (doctor.check_compiler("/usr/bin/c++"), "ok", "/usr/bin/c++", ""),
        (doctor.check_cmake(None), "warning", "none", "pip install 'cmake>=3.28'"),
        (doctor.check_cmake("3.25.1"), "warning", "3.25.1, older than 3.28", "cmake>=3.28"),
        (doctor.check_cmake("3.28.0-rc1"), "ok", "3.28.0-rc1", ""),
        (doctor.check_cmake("4.0.0"), "ok", "4.0.0", ""),
        (doctor.check_qemu(None), "warning", "none", "apt install qemu-user"),
        (doctor.check_qemu("/bin/qemu-aarch64"), "ok", "/bin/qemu-aarch64", ""),
        (doctor.check_cross_compiler(None), "warning", "none", "install g++-aarch64-linux-gnu"),
        (doctor.check_cross_compiler("/bin/g++"), "ok", "/bin/g++", ""),
    ],
)
def test_checks(check, state, found, mend):
    assert check.state == state
    assert found in check.found
    assert mend in check.mend
    assert bool(check.mend) == (state != "ok"), "a remedy exactly where something is wrong"


def test_runtime_that_does_not_load_fails():
    (check,) = doctor.check_runtime(None, "ImportError: no library (status 1)")
    assert (check.state, check.mend) == ("failed", doctor.REINSTALL)
    assert check.found == "does not load: ImportError: no library (status 1)"


def test_instruction_set_that_this_cpu_lacks_is_no_reason_to_install_again():
    (check,) = doctor.check_runtime(None, "InputError: [HVIT_EDGE_ISA] expected a set (status 1)")
    assert (check.state, check.mend) == ("failed", "unset HVIT_EDGE_ISA")


@pytest.mark.parametrize(
    ("backends", "found"),
    [
        ([], "none; no XnnpackBackend and no HvitEdgeBackend"),
        (["CoreMLBackend", "XnnpackBackend"], "no HvitEdgeBackend"),
        (["HvitEdgeBackend"], "no XnnpackBackend"),
    ],
)
def test_missing_backend_fails(backends, found):
    loads, check = doctor.check_runtime(native(backends=backends), "")
    assert (loads.state, check.state) == ("ok", "failed")
    assert found in check.found


def test_runtime_of_another_version_fails():
    check, _ = doctor.check_runtime(native(version="9.9.9"), "")
    assert (check.state, check.found) == ("failed", "of hvit-edge 9.9.9")
    assert check.mend == doctor.REINSTALL


def test_runtime_in_order():
    assert [c.state for c in doctor.check_runtime(native(), "")] == ["ok", "ok"]


@pytest.mark.parametrize("backends, state", [(["HvitEdgeBackend"], "ok"), ([], "failed")])
def test_the_small_runtime_has_one_backend(backends, state):
    facts = native(kind="small", reason="ExecuTorch is not installed", backends=backends)
    loads, check = doctor.check_runtime(facts, "")
    assert (loads.state, loads.found) == ("ok", "the small one: ExecuTorch is not installed")
    assert check.state == state


def test_copies_are_found_once_each(tmp_path, monkeypatch):
    for name in ("a", "b"):
        (tmp_path / name / "executorch").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "a")
    monkeypatch.setattr(sys, "path", [str(tmp_path / name) for name in ("a", "link", "b", "no")])
    assert doctor.copies_of("executorch") == [
        str(tmp_path / "a" / "executorch"),
        str(tmp_path / "b" / "executorch"),
    ]


def test_version_of_a_missing_package():
    assert doctor.version_of("no-such-package-here") is None


def probe(monkeypatch, code):
    monkeypatch.setattr(doctor, "PROBE", code)
    return doctor.probe_runtime()


def test_probe_survives_a_crash(monkeypatch):
    found, reason = probe(monkeypatch, "import os; os.abort()")
    assert found is None
    assert "(status -6)" in reason


def test_probe_names_the_error(monkeypatch):
    found, reason = probe(monkeypatch, "raise ImportError('libx.so: not found')")
    assert found is None
    assert reason == "ImportError: libx.so: not found (status 1)"


def test_probe_reads_past_noise(monkeypatch):
    code = f"print('noise'); print({json.dumps(json.dumps(asdict(native())))})"
    assert probe(monkeypatch, code) == (native(), "")


@pytest.fixture
def sick(monkeypatch):
    report = Report([Check("numpy", "failed", "not installed", "pip install numpy")])
    monkeypatch.setattr(doctor, "examine", lambda: report)


def test_cli_exits_with_2_and_says_how_to_mend(sick, capsys):
    assert main(["doctor"]) == 2
    out, err = capsys.readouterr()
    assert out == (
        "  FAIL  numpy  not installed\n"
        "               fix: pip install numpy\n\n"
        "This machine is not ready: fix the checks marked FAIL.\n"
    )
    assert err == ""


def test_cli_json_of_a_sick_machine(sick, capsys):
    assert main(["doctor", "--format", "json"]) == 2
    assert json.loads(capsys.readouterr().out) == {
        "healthy": False,
        "checks": [
            {
                "name": "numpy",
                "state": "failed",
                "found": "not installed",
                "mend": "pip install numpy",
            }
        ],
    }


def test_warnings_do_not_make_a_machine_sick():
    assert Report([doctor.check_torch(None), doctor.check_cmake(None)]).healthy


def test_this_machine_is_healthy():
    done = subprocess.run(
        [sys.executable, "-m", "hvit_edge.cli", "doctor", "--format", "json"],
        capture_output=True,
        text=True,
        check=False,
    )
    report = json.loads(done.stdout)
    assert [c for c in report["checks"] if c["state"] == "failed"] == []
    assert done.returncode == 0
    assert {"python", "executorch", "C++ runtime", "backends", "cpu"} <= {
        c["name"] for c in report["checks"]
    }


def test_examine_imports_no_torch():
    code = (
        "import sys; from hvit_edge.doctor import examine; examine(); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
