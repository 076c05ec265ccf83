"""`hvit-edge validate`."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

import hvit_edge
from hvit_edge import parity
from hvit_edge.cli import main
from hvit_edge.devices.bundle import CHECKOUT
from hvit_edge.runtime import SelfTest, Session

STEPS = ["exported", "rewritten", "lowered", "runtime"]


def test_json(artifact, capsys):
    assert main(["validate", str(artifact), "--format", "json"]) == 0
    out, err = capsys.readouterr()
    report = json.loads(out)
    assert err == ""
    assert (report["artifact"], report["passed"]) == (str(artifact), True)
    assert report["images"] >= 4, "all bundled photos"
    assert [step["name"] for step in report["steps"]] == STEPS
    assert all(step["max_rel"] <= report["rtol"] == 1e-4 for step in report["steps"])
    assert all(step["top1_agree"] == 1 for step in report["steps"])
    assert report["first_break"] is None
    assert (report["precision"], report["layers"]) == ("fp32", [])
    assert report["top1_agreement"] == 1
    assert min(report["sqnr_db"], report["sqnr_centred_db"]) > 80
    assert report["worst_image"]["sqnr_db"] > 80


def test_text_on_a_folder_of_photos(artifact, photo, tmp_path, capsys):
    with Image.open(photo) as image:
        image.rotate(20).save(tmp_path / "a.png")
    assert main(["validate", str(artifact), "--data", str(tmp_path), "--threads", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    expected = "max_rel <= 0.0001 and the same top-1"
    assert lines[0] == f"{artifact}: 1 photo, fp32, expected {expected}"
    assert [line.split()[0] for line in lines[3:7]] == STEPS
    assert all(line.endswith("  100.00 %  ok") for line in lines[3:7])
    assert lines[8].split() == ["top-1", "agrees", "100.00", "%"]
    assert lines[9].startswith("  SQNR  ") and lines[9].endswith(" dB")
    assert lines[10].split() == ["SQNR,", "centered", "none"]
    assert lines[11].startswith("  worst photo     a.png, ")
    assert len(lines) == 12


def test_missed_tolerance_exits_with_3_and_names_the_step(artifact, photo, capsys):
    arguments = ["validate", str(artifact), "--data", str(photo), "--rtol", "1e-12"]
    assert main([*arguments, "--format", "json"]) == 3
    report = json.loads(capsys.readouterr().out)
    assert report["passed"] is False
    assert report["first_break"] == "rewritten"


def broken_report(**changes):
    step = {"max_abs": float("inf"), "max_rel": 0.5, "cosine": 0.1, "top1_agree": 0.25}
    step |= {"sqnr_db": 3.0, "reference": "eager PyTorch"}
    layers = [
        {"layer": f"stages.{i}:conv2d", "precision": "int8", "sqnr_db": 10.0 + i} for i in range(12)
    ]
    report = {
        "artifact": "a.pte",
        "precision": "int8",
        "backend": "C++ runtime",
        "device": None,
        "images": 4,
        "skipped": [{"name": "torn.jpg", "reason": "no image"}],
        "rtol": None,
        "tolerance": "cosine >= 0.99",
        "passed": False,
        "first_break": "lowered",
        "first_module": None,
        "worst_layer": layers[0],
        "top1_agreement": 0.25,
        "sqnr_db": -1.25,
        "sqnr_centred_db": float("-inf"),
        "worst_image": {"name": "cat.jpg", "sqnr_db": -2.0},
        "steps": [{"name": "lowered", "passed": False, **step}],
        "layers": layers,
    }
    return {**report, **changes}


@pytest.fixture
def answer(monkeypatch, tmp_path):
    """Make `validate` return a report, and return its arguments."""
    monkeypatch.chdir(tmp_path)
    Path("a.pte").touch()

    def install(report):
        seen = []

        def record(artifact, **options):
            seen.append((artifact, options))
            return SimpleNamespace(to_dict=lambda: report)

        monkeypatch.setattr(parity, "validate", record)
        return seen

    return install


def test_options_reach_the_validation_and_a_break_is_shown(answer, capsys):
    seen = answer(broken_report())
    arguments = "validate a.pte --data d --weights w.pth --rtol 1e-3 --threads 3 --bisect"
    arguments += " --weights-key ema"
    assert main([*arguments.split(), "--device", "qemu:cortex-a76"]) == 3
    ((artifact, options),) = seen
    assert artifact == "a.pte"
    assert callable(options.pop("progress"))
    given = {"data": "d", "weights": "w.pth", "rtol": 1e-3, "threads": 3, "bisect": True}
    given |= {"model": None, "args": None}
    assert options == {**given, "device": "qemu:cortex-a76", "weights_key": "ema"}
    out = capsys.readouterr().out
    assert out.startswith("a.pte: 4 photos, int8, expected cosine >= 0.99\nskipped torn.jpg")
    assert "  lowered  eager PyTorch  5.00e-01  0.1000000  3.0 dB       25.00 %  BREAKS\n" in out
    assert "  SQNR            -1.2 dB\n  SQNR, centered  -inf dB\n" in out
    assert "  worst photo     cat.jpg, -2.0 dB\n" in out
    assert out.endswith(
        "The first step that breaks: lowered\n"
        "The layer with the lowest SQNR: stages.0:conv2d (int8, 10.0 dB)\n"
    )
    main([*arguments.split(), "--format", "json"])
    report = json.loads(capsys.readouterr().out)
    assert report["steps"][0]["max_abs"] is None
    assert (report["sqnr_db"], report["sqnr_centred_db"]) == (-1.25, None)


def test_a_device_and_its_distance_are_shown(answer, capsys):
    host = {"max_abs": 1e-6, "max_rel": 2e-7, "cosine": 1.0, "top1_agree": 0.75}
    facts = {"architecture": "aarch64", "cpu": "", "name": "qemu:cortex-a76"}
    answer(broken_report(device={**facts, "against_host": host}))
    main(["validate", "a.pte", "--device", "qemu:cortex-a76"])
    lines = capsys.readouterr().out.splitlines()
    assert "  device             qemu:cortex-a76, aarch64" in lines
    assert "  from this machine  max rel 2.00e-07, top-1 agrees 75.00 %" in lines


def test_the_tolerance_is_the_artifacts_own_unless_asked_for(answer):
    seen = answer(broken_report())
    main(["validate", "a.pte"])
    assert seen[0][1]["rtol"] is None


def test_the_ten_worst_layers_are_shown_and_all_with_v(answer, capsys):
    answer(broken_report())
    main(["validate", "a.pte"])
    out = capsys.readouterr().out
    assert "  stages.9:conv2d         int8       19.0 dB\n  ... and 2 more; -v shows them\n" in out
    assert "stages.10" not in out and "lowest SQNR" not in out
    main(["validate", "a.pte", "-v"])
    out = capsys.readouterr().out
    assert "stages.11:conv2d" in out and "more; -v" not in out


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"first_module": "stages.2.norm"}, "The first module that differs: stages.2.norm\n"),
        ({}, "No module differs on its own, and the artifact has no record"),
    ],
)
def test_bisection_of_a_break_without_a_worst_layer(answer, capsys, found, said):
    answer(broken_report(worst_layer=None, layers=[], **found))
    assert main(["validate", "a.pte", "--bisect"]) == 3
    out = capsys.readouterr().out
    assert said in out and "precision  SQNR" not in out


@pytest.mark.parametrize("data", ["nowhere", "empty"])
def test_unusable_data_is_refused(artifact, tmp_path, capsys, data):
    (tmp_path / "empty").mkdir()
    assert main(["validate", str(artifact), "--data", str(tmp_path / data)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: [datasets]") and data in err


def test_weights_of_another_model_are_refused(artifact, capsys):
    assert main(["validate", str(artifact), "--weights", "random"]) == 2
    assert "expected the weights that" in capsys.readouterr().err


NATIVE = str(CHECKOUT / "cpp/tests/data/native_v1.pte")
ARRAYS = str(CHECKOUT / "cpp/tests/data/native_tensors_v2.pte")


def test_self_test_alone(capsys):
    assert main(["validate", NATIVE, "--self-test", "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["artifact"], report["model"]) == (NATIVE, "tiny")
    assert (report["passed"], report["top1_agree"]) == (True, True)
    expected = hvit_edge.Session(NATIVE).self_test()
    assert report["max_abs"] == expected.max_abs


def test_self_test_of_arrays_in_text(capsys):
    assert main(["validate", ARRAYS, "--self-test"]) == 0
    assert capsys.readouterr().out.startswith("self test passed: max abs ")


def test_a_self_test_that_fails_exits_with_3(monkeypatch, capsys):
    failed = SelfTest(passed=False, max_abs=1.0, max_rel=0.5, top1_agree=False)
    monkeypatch.setattr(Session, "self_test", lambda self: failed)
    assert main(["validate", NATIVE, "--self-test"]) == 3
    assert capsys.readouterr().out == (
        "self test FAILED: max abs 1.00e+00, max rel 5.00e-01, top-1 differs\n"
    )


@pytest.mark.parametrize(
    "options", ["--data d", "--bisect", "--rtol 1e-3", "--weights w.pth --weights-key ema"]
)
def test_a_self_test_takes_no_option_that_needs_pytorch(options, capsys):
    assert main(["validate", NATIVE, "--self-test", *options.split()]) == 2
    names = ", ".join(word for word in options.split() if word.startswith("--"))
    assert f"expected no option that needs PyTorch, got {names};" in capsys.readouterr().err
