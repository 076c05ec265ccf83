"""The wheel that `make wheel` builds, in an environment without ExecuTorch and torch.

The commands run in an empty folder, so nothing of the checkout is found by chance.
"""

import json
import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest

import hvit_edge
from hvit_edge.devices.bundle import CHECKOUT
from hvit_edge.weights import bundled_photos

WHEEL = CHECKOUT / "build/wheel"
SITE = next(iter((WHEEL / "env").glob("lib/python3*/site-packages")), WHEEL)
DATA = CHECKOUT / "cpp/tests/data"
NATIVE, XNNPACK = DATA / "native_v1.pte", DATA / "tiny_v1.pte"
PHOTO = bundled_photos()[0]
DEPENDENCIES = {"flatbuffers", "hvit-edge", "numpy", "pillow", "tqdm"}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (WHEEL / "installed").exists(), reason="needs make wheel"),
]


@pytest.fixture
def hvit(tmp_path):
    """`arguments -> CompletedProcess` of the installed command, in an empty folder."""

    def run(*arguments, check=True, **variables):
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        done = subprocess.run(
            [WHEEL / "env/bin/hvit-edge", *map(str, arguments)],
            cwd=tmp_path, env=environment | variables, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0 or not check, done.stderr
        return done

    return run


def json_of(done):
    return json.loads(done.stdout)


def test_nothing_else_is_installed(record_property):
    names = {path.name.split("-")[0].replace("_", "-") for path in SITE.glob("*.dist-info")}
    assert {name.lower() for name in names} - {"pip", "setuptools"} == DEPENDENCIES
    size = sum(path.stat().st_size for path in SITE.rglob("*") if path.is_file())
    pip = sum(path.stat().st_size for path in (SITE / "pip").rglob("*") if path.is_file())
    megabytes = (size - pip) / 1e6
    record_property("measured", f"environment without ExecuTorch: {megabytes:.0f} MB")
    assert megabytes < 150


def test_the_small_binding_needs_no_other_library():
    (binding,) = SITE.glob("hvit_edge/_runtime_small.*.so")
    readelf = shutil.which("readelf")
    if readelf is None:
        pytest.skip("needs readelf; Debian: binutils")
    dynamic = subprocess.run(
        [readelf, "--dynamic", "--wide", binding], capture_output=True, text=True, check=True
    ).stdout
    needed = re.findall(r"\(NEEDED\) .*\[(.*)\]", dynamic)
    system = r"(libstdc\+\+|libm|libgcc_s|libc|libdl|libpthread|ld-linux-.*)\.so\.\d+"
    assert needed
    assert [name for name in needed if not re.fullmatch(system, name)] == []


def test_both_bindings_are_in_the_wheel():
    (path,) = (WHEEL / "dist").glob("*.whl")
    names = [name for name in zipfile.ZipFile(path).namelist() if name.endswith(".so")]
    assert {Path(name).name.split(".")[0] for name in names} == {"_runtime", "_runtime_small"}


def test_the_runners_for_devices_are_in_the_wheel():
    (path,) = (WHEEL / "dist").glob("*.whl")
    found = {
        Path(entry.filename).parts[-2]: entry
        for entry in zipfile.ZipFile(path).infolist()
        if entry.filename.startswith("hvit_edge/assets/runners/")
    }
    assert {"aarch64", "x86_64"} <= set(found)
    for entry in found.values():
        assert entry.external_attr >> 16 & 0o100, "can be executed"


def test_the_runtime_for_browsers_is_in_the_wheel():
    (path,) = (WHEEL / "dist").glob("*.whl")
    data = zipfile.ZipFile(path).read("hvit_edge/assets/web/hvit_edge.wasm")
    assert data[:4] == b"\0asm"


@pytest.mark.skipif(shutil.which("qemu-aarch64") is None, reason="needs qemu-aarch64")
def test_a_device_needs_no_checkout(hvit):
    done = hvit(
        "run", NATIVE, PHOTO, "--self-test", "--device", "qemu:cortex-a76", "--format", "json"
    )
    report = json_of(done)
    assert report["self_test"]["passed"]
    here = hvit_edge.Classifier(NATIVE, threads=1)(PHOTO)
    (result,) = report["results"]
    found = [(each["label"], each["index"]) for each in result["predictions"]]
    assert found == [(each.label, each.index) for each in here]


def test_run(hvit):
    here = hvit_edge.Classifier(NATIVE, threads=1)
    (there,) = json_of(hvit("run", NATIVE, PHOTO, "--format", "json"))["results"]
    for found, expected in zip(there["predictions"], here(PHOTO), strict=True):
        assert (found["label"], found["index"]) == (expected.label, expected.index)
        assert found["score"] == pytest.approx(expected.score, abs=1e-6)


def test_run_self_test(hvit):
    assert json_of(hvit("run", NATIVE, "--self-test", "--format", "json"))["self_test"]["passed"]


def test_validate_self_test(hvit):
    report = json_of(hvit("validate", NATIVE, "--self-test", "--format", "json"))
    assert report["passed"]


def test_bench(hvit):
    report = json_of(
        hvit("bench", NATIVE, "--iterations", 3, "--warmup", 1, "--threads", 1, "--format", "json")
    )
    assert report["threads"] == 1


@pytest.mark.parametrize("path, target", [(NATIVE, "native"), (XNNPACK, "xnnpack")])
def test_inspect(hvit, path, target):
    """It runs nothing, so it describes programs for every backend."""
    assert json_of(hvit("inspect", path, "--format", "json"))["metadata"]["target"] == target


def test_outputs_are_those_of_the_full_runtime(hvit, tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (50, 60, 3), dtype=np.uint8)
    np.save(tmp_path / "image.npy", image)
    program = (
        "import sys, numpy, hvit_edge\n"
        "c = hvit_edge.Classifier(sys.argv[1], threads=1)\n"
        "numpy.save('logits.npy', c.logits(numpy.load('image.npy')))"
    )
    subprocess.run(
        [WHEEL / "env/bin/python", "-c", program, NATIVE], cwd=tmp_path, check=True, env={}
    )
    expected = hvit_edge.Classifier(NATIVE, threads=1).logits(image)
    np.testing.assert_array_equal(np.load(tmp_path / "logits.npy"), expected)


def test_an_xnnpack_artifact_is_refused_with_two_ways_out(hvit):
    done = hvit("run", XNNPACK, PHOTO, check=False)
    assert done.returncode == 2
    assert "expected the backend XnnpackBackend" in done.stderr
    assert "native" in done.stderr
    assert "pip install 'hvit-edge[executorch]'" in done.stderr


def test_compile_names_the_extra(hvit):
    done = hvit("compile", "mobilevit_xxs", "--weights", "cifar10", check=False)
    assert done.returncode == 2
    assert "pip install 'hvit-edge[compile]'" in done.stderr


def test_the_full_runtime_is_not_replaced_if_it_is_named(hvit):
    done = hvit("run", NATIVE, PHOTO, check=False, HVIT_EDGE_RUNTIME="full")
    assert done.returncode != 0
    assert "libexecutorch" in done.stderr


def test_doctor_says_which_runtime_is_used(hvit):
    report = json_of(hvit("doctor", "--format", "json"))
    checks = {check["name"]: check for check in report["checks"]}
    assert report["healthy"]
    assert checks["C++ runtime"]["found"] == "the small one: ExecuTorch is not installed"
    assert checks["executorch"]["state"] == "warning"
    assert checks["backends"]["found"] == "HvitEdgeBackend"
