"""Several input sizes and batches on the command line, with the artifact of cpp/tests."""

import json
from pathlib import Path

import pytest
from PIL import Image

from hvit_edge.cli import main
from hvit_edge.compiler import compile_model as compiler
from hvit_edge.errors import InputError

ROOT = Path(__file__).parents[2]
ARTIFACT = str(ROOT / "cpp/tests/data/methods_v1.pte")
FACTORY = f"{ROOT / 'cpp/tests/make_native.py'}:make"
NAMES = ["32x32", "24x32", "32x24", "32x32-batch3", "24x32-batch3", "32x24-batch3"]


def asked(monkeypatch, *arguments):
    """Return the sizes and batches that reach the compiler."""
    seen = []

    def record(model, **options):
        seen.append((model, options))
        raise InputError("[test] enough")

    monkeypatch.setattr(compiler, "compile", record)
    assert main(["compile", *arguments]) == 2
    ((model, options),) = seen
    return model.text, *(options[name] for name in ("input_size", "input_sizes", "batches"))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("swin_t --input-size 256 320x240 384 --batch 1 4", (None, [256, (320, 240), 384], [1, 4])),
        ("--input-size 256 swin_t", (256, None, None)),
        ("--batch 2 --input-size 64x96 swin_t", ((64, 96), None, [2])),
        ("--input-size 64 96 swin_t --batch 2", (None, [64, 96], [2])),
        ("swin_t", (None, None, None)),
    ],
)
def test_several_values_reach_the_compiler(monkeypatch, arguments, expected):
    def square(size):
        return (size, size) if isinstance(size, int) else size

    size, sizes, batches = expected
    sizes = None if sizes is None else list(map(square, sizes))
    assert asked(monkeypatch, *arguments.split()) == ("swin_t", square(size), sizes, batches)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("--batch 0", "argument --batch: expected a whole number of at least 1, got 0"),
        ("--batch 1 0", "argument --batch: expected a whole number of at least 1, got 0"),
        ("--input-size 0", "argument --input-size: expected a side such as 256"),
        ("--input-size big", "argument --input-size: expected a side such as 256"),
        ("--input-size 64 64x64", "expected each once, got 64x64 twice"),
        ("--input-size 64 16", "expected sides of at least 32 pixels, got (16, 16)"),
        ("--input-size 64 96 --target coreml", "expected one input size and a batch of 1"),
        ("--batch 2 --precision fp32 fp16", "one input size and no batch with several targets"),
    ],
)
def test_what_cannot_be_is_refused(capsys, tmp_path, arguments, reason):
    suffix = "mlpackage" if "coreml" in arguments else "pte"
    output = ["-o", str(tmp_path / f"a.{suffix}")]
    assert main(["compile", "mobilevit_xxs", *arguments.split(), *output]) == 2
    assert reason in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def wide(tmp_path):
    path = tmp_path / "wide.png"
    Image.radial_gradient("L").resize((80, 60)).convert("RGB").save(path)
    return str(path)


def predictions(capsys, *arguments):
    assert main(["run", ARTIFACT, *arguments, "--format", "json"]) == 0
    (result,) = json.loads(capsys.readouterr().out)["results"]
    return result["predictions"]


def test_run_chooses_by_the_photo_or_takes_the_named_one(capsys, wide):
    chosen = predictions(capsys, wide)
    assert chosen == predictions(capsys, wide, "--method", "24x32")
    assert chosen != predictions(capsys, wide, "--method", "32x32")
    assert main(["run", ARTIFACT, "--self-test", "--method", "32x24"]) == 0
    assert capsys.readouterr().out.startswith("self test passed")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["run", ARTIFACT, "--self-test", "--method", "24x23"], "did you mean '24x32'?"),
        (["run", ARTIFACT, "--self-test", "--method", NAMES[3]], "a method with a batch of 1"),
        (["run", ARTIFACT, "--self-test", "--method", "24x32", "--device", "qemu:max"], "none for"),
        (["bench", ARTIFACT, "--method", "1x1"], "expected one of the methods 32x32"),
        (["bench", ARTIFACT, "--method", "24x32", "--device", "qemu:max"], "runs the first method"),
        (["validate", ARTIFACT, "--method", "1x1"], "expected one of the methods 32x32"),
    ],
)
def test_methods_that_cannot_run_are_refused(capsys, arguments, reason):
    assert main(arguments) == 2
    assert reason in capsys.readouterr().err


def test_bench_measures_the_named_method(capsys):
    arguments = ["--iterations", "2", "--warmup", "0", "--format", "json"]
    assert main(["bench", ARTIFACT, "--method", NAMES[3], *arguments]) == 0
    assert json.loads(capsys.readouterr().out)["iterations"] == 2


def test_inspect_lists_the_methods(capsys):
    assert main(["inspect", ARTIFACT]) == 0
    out = capsys.readouterr().out
    assert "32x24-batch3: batch 3, planned memory " in out
    assert main(["inspect", ARTIFACT, "--format", "json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert [method["name"] for method in facts["methods"]] == NAMES
    assert [method["name"] for method in facts["metadata"]["methods"]] == NAMES
    assert facts["metadata"]["method"] == NAMES[0]


@pytest.mark.slow
def test_validate_judges_every_method(capsys):
    assert main(["validate", ARTIFACT, "--model", FACTORY]) == 0
    out = capsys.readouterr().out
    for name in NAMES:
        assert f"{ARTIFACT}, method {name}: " in out
    assert main(["validate", ARTIFACT, "--model", FACTORY, "--method", NAMES[1]]) == 0
    assert out.count("runtime") == len(NAMES) * capsys.readouterr().out.count("runtime")


@pytest.mark.slow
def test_compile_prints_a_line_for_each_method(capsys, tmp_path):
    arguments = ["--target", "native", "--preprocess", "imagenet", "--batch", "1", "2"]
    output = ["--input-size", "32", "24x32", "-o", str(tmp_path / "a.pte")]
    assert main(["compile", FACTORY, *arguments, *output]) == 0
    lines = capsys.readouterr().out.splitlines()
    names = ["32x32", "24x32", "32x32-batch2", "24x32-batch2"]
    table = lines[lines.index("Parity:") + 1 :]
    assert table[0].split()[:2] == ["method", "batch"]
    assert [line.split()[0] for line in table[1:5]] == names
    assert all(line.endswith("agrees") for line in table[1:5])


def labelled(tmp_path, shapes):
    folder = tmp_path / "photos"
    for index, size in enumerate(shapes):
        path = folder / f"class {index}" / "a.png"
        path.parent.mkdir(parents=True)
        Image.radial_gradient("L").resize(size).convert("RGB").save(path)
    return str(folder)


def test_eval_chooses_for_each_photo_or_takes_the_named_one(capsys, tmp_path):
    photos = labelled(tmp_path, [(80, 60), (60, 80), (60, 60)])
    arguments = ["eval", ARTIFACT, photos, "--allow-empty"]
    assert main(arguments) == 0
    assert main([*arguments, "--method", "32x32"]) == 0
    capsys.readouterr()
    assert main([*arguments, "--against-eager", "--model", FACTORY]) == 2
    assert "expected --method NAME to compare" in capsys.readouterr().err
    named = ["--method", "24x32", "--against-eager", "--model", FACTORY, "--format", "json"]
    assert main([*arguments, *named]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["images"] == 3 and report["agreement"] == 1
