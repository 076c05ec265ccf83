"""The verbs on a program for our own backend."""

import io
import json
from contextlib import redirect_stdout

import pytest

from hvit_edge.cli import main


@pytest.fixture(scope="module")
def native(once):
    """Return the bundled classifier, compiled by the command line, and the printed output."""

    def fill(folder):
        arguments = "compile mobilevit_xxs --weights cifar10 --target native -o"
        with redirect_stdout(io.StringIO()) as out:
            assert main([*arguments.split(), str(folder / "cifar.pte")]) == 0
        (folder / "stdout").write_text(out.getvalue())

    return once("cli-native", fill) / "cifar.pte"


def answer(capsys, *arguments):
    assert main([*map(str, arguments), "--format", "json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_compile_says_what_comes_next(native):
    out = (native.parent / "stdout").read_text()
    assert out.startswith("Compiled mobilevit_xxs for native in fp32, ")
    assert "  delegates          1\n  operators outside  none of " in out
    assert out.endswith(f"  hvit-edge bench {native}\n")


def test_inspect(native, capsys):
    facts = answer(capsys, "inspect", native)
    assert facts["delegates"] == {"HvitEdgeBackend": 1}
    assert facts["ops_outside"] == {}
    assert facts["metadata"]["target"] == "native"


def test_run(native, photo, capsys):
    first = answer(capsys, "run", native, photo)
    assert "cat" in json.dumps(first)
    assert main(["run", str(native), "--self-test"]) == 0


def test_validate(native, capsys):
    report = answer(capsys, "validate", native)
    assert [step["name"] for step in report["steps"]] == ["exported", "rewritten", "runtime"]
    assert report["passed"] and report["top1_agreement"] == 1.0
    assert report["steps"][-1]["max_rel"] <= 1e-5


def test_profile(native, capsys):
    report = answer(capsys, "profile", native, "--iterations", "1", "--warmup", "0")
    operators = report["operators"]
    attention = [each for each in operators if each["name"] == "Attention"]
    assert len(attention) == 9
    assert attention[0]["module"] == "stages.2.1.transformer.0.attn"
    assert {each["group"] for each in attention} == {"attention"}
    assert sum(each["name"] == "InvertedResidual" for each in operators) == 7
    assert not [each for each in operators if each["group"] == "other"]


def test_bench(native, capsys):
    report = answer(capsys, "bench", native, "--iterations", "2", "--warmup", "0")
    assert report["iterations"] == 2


def test_output_has_a_default_name(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mobilevit_xxs-native-fp32.pte").touch()
    assert main(["compile", "mobilevit_xxs", "--weights", "random", "--target", "native"]) == 2
    assert "got an existing one: mobilevit_xxs-native-fp32.pte" in capsys.readouterr().err


@pytest.mark.parametrize("precision", ["auto", "w8"])
def test_precisions_that_it_lacks(precision, capsys, tmp_path):
    output = tmp_path / "a.pte"
    arguments = f"compile mobilevit_xxs --target native --precision {precision} -o {output}"
    assert main(arguments.split()) == 2
    expected = f"expected one of fp32, fp16, int8, int8-dynamic for native, got '{precision}'"
    assert expected in capsys.readouterr().err
    assert not output.exists()
