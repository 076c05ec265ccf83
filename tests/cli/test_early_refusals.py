"""Wrong arguments are refused, and models are listed, before torch is imported."""

import json
import subprocess
import sys

import pytest

from hvit_edge.models import list_models, sequence_models

CODE = """
import sys
from hvit_edge.cli import main
code = main(sys.argv[1:])
print([name for name in ("torch", "coremltools", "executorch.exir") if name in sys.modules])
sys.exit(code)
"""
MODEL = "mobilevit_xxs"
REFUSED = {
    "an unknown model": (["compile", "mobilvit_xs"], "did you mean 'mobilevit_xs'"),
    "a missing model": (["compile"], "the following arguments are required: MODEL"),
    "an option without value": (["compile", MODEL, "--weights"], "--weights"),
    "missing weights": (["compile", MODEL, "--weights", "no.pt"], "got no such file: no.pt"),
    "int8 without photos": (["compile", MODEL, "--precision", "int8"], "pass --calib-data"),
    "missing photos": (
        ["compile", MODEL, "--precision", "int8", "--calib-data", "no"],
        "got no such path: no",
    ),
    "missing labeled photos": (
        ["compile", MODEL, "--precision", "auto", "--calib-data", ".", "--eval-data", "no"],
        "got no such path: no",
    ),
    "a precision of another target": (
        ["compile", MODEL, "--target", "native", "--precision", "auto"],
        "precision: expected one of fp32, fp16, int8, int8-dynamic for native, got 'auto'",
    ),
    "several that do not exist": (
        ["compile", MODEL, "--target", "native", "coreml", "--precision", "int8-dynamic"],
        "expected combinations of target and precision that exist, got coreml int8-dynamic",
    ),
    "options of another target": (["compile", MODEL, "--ios", "17"], "they belong to Core ML"),
    "a task that does not exist": (["compile", MODEL, "--task", "depth"], "'depth'"),
    "a task that a model does not have": (
        ["compile", MODEL, "--task", "segment"],
        "task: expected classify or embed for mobilevit_xxs, got segment",
    ),
    "a classifier of a segmentation model": (
        ["compile", "deeplabv3_mobilevit_xxs", "--task", "classify"],
        "task: expected segment for deeplabv3_mobilevit_xxs, got classify",
    ),
    "auto without photos to measure on": (
        ["compile", "deeplabv3_mobilevit_xxs", "--precision", "auto", "--calib-data", "."],
        "evaluation data: expected photos with precision auto, got none",
    ),
    "a task on another target": (
        ["compile", MODEL, "--task", "embed", "--target", "coreml-pte"],
        "target: expected one of xnnpack, native, coreml for the task embed, got 'coreml-pte'",
    ),
    "a normalization without its task": (
        ["compile", MODEL, "--normalize", "none"],
        "--normalize: expected together with --task embed, got no task",
    ),
    "an existing output": (["compile", MODEL, "-o", "taken.pte"], "got an existing one: taken.pte"),
    "a missing folder": (["compile", MODEL, "-o", "no/a.pte"], "expected an existing folder"),
    "a missing artifact": (["validate", "no.pte"], "got no such file: no.pte"),
    "a missing artifact for eval": (["eval", "no.pte", "."], "got no such file: no.pte"),
    "a missing package": (["inspect", "no.mlpackage"], "expected a package at no.mlpackage"),
    "a missing package to run": (["run", "no.mlpackage", "--self-test"], "expected a package at"),
}


def run(arguments: list[str], folder) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", CODE, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("case", REFUSED)
def test_refused_before_torch(case, tmp_path):
    arguments, message = REFUSED[case]
    (tmp_path / "taken.pte").touch()
    done = run(arguments, tmp_path)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert done.stdout == "[]\n"


def test_models_are_listed_without_torch(tmp_path):
    done = run(["list", "--format", "json"], tmp_path)
    *listed, loaded = done.stdout.splitlines()
    registered = [*list_models(), *sequence_models()]
    assert loaded == "[]"
    assert json.loads("\n".join(listed)) == [
        {
            "name": model.name,
            "params": model.params,
            "input_size": list(model.input_size),
            "sources": list(model.sources),
            "task": model.task,
        }
        for model in registered
    ]
