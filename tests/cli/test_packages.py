"""Every verb on Core ML packages."""

import json
import shutil
import subprocess
import sys
from types import SimpleNamespace

import coremltools as ct
import numpy as np
import pytest
from coremltools.converters.mil.mil import Builder as mb
from PIL import Image

from hvit_edge.cli import main
from hvit_edge.compiler import compile_model as compiler
from hvit_edge.coreml.runner import PackageClassifier
from hvit_edge.runtime import SelfTest

MODEL = "Data/com.apple.CoreML/model.mlmodel"
WEIGHTS = "Data/com.apple.CoreML/weights/weight.bin"
EVALUATOR = "reference evaluator"
STEPS = ["exported", "rewritten", "fidelity", "evaluated"]


def as_json(capsys, *arguments, code=0):
    assert main([*map(str, arguments), "--format", "json"]) == code
    out, err = capsys.readouterr()
    return json.loads(out), err


@pytest.fixture
def data(photo, tmp_path):
    """Write two labeled images: a cat, and a cat with the label dog."""
    for name in ("cat", "dog"):
        (tmp_path / "data" / name).mkdir(parents=True)
        shutil.copy(photo, tmp_path / "data" / name)
    return tmp_path / "data"


def test_compile_report(package):
    report = package.report
    assert (report["target"], report["precision"], report["ios"]) == ("coreml", "fp16", 17)
    assert report["path"] == str(package.path)
    assert [step["name"] for step in report["steps"]] == [*STEPS[:2], "quantised", *STEPS[2:]]
    assert sum(report["operators"].values()) == report["ops_total"] > report["moves"]
    assert all(line.endswith(" ...") for line in package.stderr.splitlines()), "no noise"


def test_compile_text(package, capsys, monkeypatch):
    kept = [{"operator": "x_1", "module": "stages.0", "reason": "writes values up to 1e+06"}]
    for in_float32, shown in ((kept, "x_1 in stages.0: writes values up to 1e+06"), ([], "none")):
        report = {**package.report, "in_float32": in_float32, "path": "my file.mlpackage"}
        answer = SimpleNamespace(report=SimpleNamespace(to_dict=lambda report=report: report))
        monkeypatch.setattr(compiler, "compile", lambda *_, answer=answer, **__: answer)
        assert main(["compile", "mobilevit_xxs", "--target", "coreml"]) == 0
        out = capsys.readouterr().out
        assert out.startswith("Compiled mobilevit_xxs for coreml in fp16, ")
        assert "  runs on          iOS 17 or later\n" in out
        assert f"  kept in float32  {shown}\n" in out
        assert out.endswith(
            "  hvit-edge run 'my file.mlpackage' PHOTO\n"
            "  hvit-edge validate 'my file.mlpackage'\n"
            "  hvit-edge inspect 'my file.mlpackage'\n"
        )


def test_run_json_is_alone_on_stdout(package, photo):
    arguments = ["run", package.path, photo, "--self-test", "--threads", "1", "--format", "json"]
    done = subprocess.run(
        [sys.executable, "-m", "hvit_edge.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    assert (report["backend"], report["model"]) == (EVALUATOR, "mobilevit_xxs")
    assert report["self_test"]["passed"] is True
    predictions = report["results"][0]["predictions"]
    assert predictions[0]["label"] == "cat" and len(predictions) == 5


def test_run_says_what_the_file_says(package, artifact, photo, capsys):
    of_package, _ = as_json(capsys, "run", package, photo, "--top-k", 10)
    of_file, _ = as_json(capsys, "run", artifact, photo, "--top-k", 10)
    assert of_file["backend"] == "C++ runtime"
    scores = [
        {one["label"]: one["score"] for one in report["results"][0]["predictions"]}
        for report in (of_package, of_file)
    ]
    assert scores[0] == pytest.approx(scores[1], abs=5e-3)


def test_run_text(package, photo, tmp_path, capsys):
    assert main(["run", str(package), str(photo), str(tmp_path / "none.jpg")]) == 2
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[:2] == [f"backend: {EVALUATOR}", str(photo)]
    assert lines[2].endswith(" %  cat") and len(lines) == 7
    assert err.startswith("error: [load_image] ")


def test_a_failed_self_test_exits_with_3(package, capsys, monkeypatch):
    failed = SelfTest(passed=False, max_abs=1.0, max_rel=0.5, top1_agree=False)
    monkeypatch.setattr(PackageClassifier, "self_test", lambda self: failed)
    assert main(["run", str(package), "--self-test"]) == 3
    assert "self test FAILED" in capsys.readouterr().out


def test_validate(package, capsys):
    report, err = as_json(capsys, "validate", package)
    assert err == ""
    assert (report["passed"], report["backend"], report["images"]) == (True, EVALUATOR, 4)
    assert [step["name"] for step in report["steps"]] == STEPS
    assert report["sqnr_db"] > 45 and report["layers"] == []


def test_validate_text_and_exit_code(package, photo, capsys):
    arguments = ["validate", str(package), "--data", str(photo), "--rtol", "1e-7", "--bisect"]
    assert main(arguments) == 3
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[3:7]] == STEPS
    assert lines[6].endswith("BREAKS")
    assert lines[12].split() == ["backend", "reference", "evaluator"]
    assert lines[-2:] == [
        "The first step that breaks: evaluated",
        "No module can be named inside a package, because it has no record of its layers",
    ]


def test_validate_refuses_other_weights(package, capsys):
    assert main(["validate", str(package), "--weights", "random"]) == 2
    assert "expected the weights that" in capsys.readouterr().err


@pytest.mark.parametrize("workers", [1, 2])
def test_eval(package, data, capsys, workers):
    options = ["--workers", workers, "--batch", 1, "--against-eager"]
    report, err = as_json(capsys, "eval", package, data, *options)
    assert err == ""
    assert (report["backend"], report["images"], report["top1"]) == (EVALUATOR, 2, 0.5)
    assert (report["agreement"], report["eager_top1"]) == (1.0, 0.5)


def test_eval_text_and_resume(package, data, tmp_path, capsys):
    state = tmp_path / "state.jsonl"
    arguments = ["eval", str(package), str(data), "--resume", str(state)]
    assert main(arguments) == 0
    first = capsys.readouterr().out
    assert f"  backend  {EVALUATOR}\n" in first
    header = json.loads(state.read_text().splitlines()[0])
    assert header["backend"] == EVALUATOR and len(header["artifact_sha256"]) == 64
    assert main(arguments) == 0
    assert capsys.readouterr().out == first
    other = shutil.copytree(package.path, tmp_path / "other.mlpackage")
    (other / "added").write_text("x")
    assert main(["eval", str(other), str(data), "--resume", str(state)]) == 2
    assert "expected the state of this evaluation" in capsys.readouterr().err


def test_inspect(package, capsys):
    facts, err = as_json(capsys, "inspect", package)
    assert err == "" and facts["format"] == "mlpackage"
    assert facts["operators"] == package.report["operators"]
    assert facts["bytes"] == package.report["bytes"]
    assert facts["metadata"]["parity"] == package.report["parity"]
    kept = {row["operator"] for row in facts["predicted_outside_neural_engine"]}
    assert len(kept) >= len(package.report["in_float32"])
    assert main(["inspect", str(package)]) == 0
    out = capsys.readouterr().out
    assert "  inputs                image: RGB image 64x64\n" in out
    assert "  needs                 iOS17 or later, specification 8\n" in out
    assert "logits: float32 [1, 10]\n" in out and "classLabel: label\n" in out
    assert "(predicted by rules, not measured)\n" in out
    assert "  target                coreml, fp16\n" in out
    assert max(map(len, out.splitlines())) <= 100 or str(package) in out


def test_bench_is_refused(package, capsys):
    assert main(["bench", str(package), "--format", "json"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: [bench] expected a .pte file, got the package")
    assert "Xcode" in err and len(err.splitlines()) == 1


def half(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def foreign(path):
    """Write a package of coremltools with the same input."""
    shutil.rmtree(path)
    features = {"input_specs": [mb.TensorSpec((1, 3, 64, 64))], "opset_version": ct.target.iOS17}

    @mb.program(**features)
    def network(image):
        return mb.reduce_mean(x=image, axes=[2, 3], name="logits")

    ct.convert(
        network,
        convert_to="mlprogram",
        minimum_deployment_target=ct.target.iOS17,
        inputs=[ct.ImageType(name="image", shape=(1, 3, 64, 64))],
        skip_model_load=True,
    ).save(str(path))


def as_file(path):
    shutil.rmtree(path)
    path.write_bytes(b"PK")


def as_empty_folder(path):
    shutil.rmtree(path)
    path.mkdir()


BROKEN = {
    "truncated model": (lambda path: half(path / MODEL), "[read_package]"),
    "empty model": (lambda path: (path / MODEL).write_bytes(b""), "[read_package]"),
    "truncated weights": (lambda path: half(path / WEIGHTS), "got faults: "),
    "no weights": (lambda path: (path / WEIGHTS).unlink(), "weight.bin is missing"),
    "no manifest": (lambda path: (path / "Manifest.json").unlink(), "Manifest.json, got nothing"),
    "foreign": (foreign, "expected a package that hvit-edge compiled"),
    "a file": (as_file, "to be a folder, got a file"),
    "no package": (as_empty_folder, "Manifest.json, got nothing"),
    "nothing": (shutil.rmtree, "expected a package at"),
}


@pytest.mark.parametrize("verb", ["run", "validate", "eval", "inspect"])
@pytest.mark.parametrize("kind", BROKEN)
def test_unusable_packages_are_refused(package, photo, tmp_path, capsys, verb, kind):
    path = shutil.copytree(package.path, tmp_path / "other.mlpackage")
    spoil, message = BROKEN[kind]
    spoil(path)
    capsys.readouterr()  # coremltools' progress bars
    more = {"run": [str(photo)], "eval": [str(tmp_path)]}.get(verb, [])
    assert main([verb, str(path), *more, "--format", "json"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: [") and len(err.splitlines()) == 1
    assert message in err


def test_a_renamed_package_is_told_its_name(package, photo, tmp_path, capsys):
    path = shutil.copytree(package.path, tmp_path / "model")
    assert main(["run", str(path), str(photo)]) == 2
    assert "rename it to model.mlpackage" in capsys.readouterr().err


def test_odd_photos_are_classified(package, tmp_path, capsys):
    Image.new("P", (9, 30)).save(tmp_path / "a.png")
    Image.fromarray(np.zeros((1, 1), np.uint8)).save(tmp_path / "b.png")
    report, _ = as_json(capsys, "run", package, tmp_path / "a.png", tmp_path / "b.png")
    assert [len(result["predictions"]) for result in report["results"]] == [5, 5]


def test_missing_coremltools_is_told(package, photo, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "coremltools.proto.Model_pb2", None)
    monkeypatch.delattr("coremltools.proto.Model_pb2", raising=False)
    assert main(["run", str(package), str(photo)]) == 2
    assert "pip install 'hvit-edge[compile]'" in capsys.readouterr().err
