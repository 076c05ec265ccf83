"""Compilations do not import compilers that they do not need, which takes seconds."""

import os
import subprocess
import sys

import pytest

CODE = """
import sys
import torch
from torch import nn
import hvit_edge

torch.manual_seed(0)
target, precision, output = sys.argv[1:]
hvit_edge.compile(
    nn.Sequential(nn.Conv2d(3, 8, 4, 4), nn.ReLU(), nn.Flatten(), nn.Linear(32, 4)).eval(),
    target=target,
    precision=precision,
    preprocess=hvit_edge.Preprocess(input_size=(8, 8), resize_size=8),
    output=output,
    force=True,
)
heavy = ("executorch.exir", "ruamel.yaml", "torchao", "torch._dynamo")
print([name for name in heavy if name in sys.modules])
"""


def imported(target, precision, folder, **settings: str) -> str:
    """The heavy packages that a process has after it compiled a module."""
    output = folder / ("a.mlpackage" if target == "coreml" else f"{target}.pte")
    done = subprocess.run(
        [sys.executable, "-c", CODE, target, precision, output],
        capture_output=True, text=True, env={**os.environ, **settings},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "target, precision",
    [("native", "fp32"), ("native", "fp16"), ("native", "int8-dynamic")],
)
def test_the_compiler_of_executorch_is_not_imported(target, precision, tmp_path):
    assert imported(target, precision, tmp_path) == "['torch._dynamo']\n"


@pytest.mark.slow
def test_the_compiler_of_pytorch_is_not_imported_if_the_export_is_kept(tmp_path):
    settings = {"HVIT_EDGE_CACHE_DIR": str(tmp_path / "cache"), "HVIT_EDGE_CACHE_SIZE": "10MB"}
    assert "torch._dynamo" in imported("native", "fp32", tmp_path, **settings)
    for target in ("native", "coreml"):
        assert imported(target, "fp32", tmp_path, **settings) == "[]\n"
