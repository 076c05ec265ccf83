"""Programs that need no compiler of ExecuTorch do not import it, which takes seconds."""

import subprocess
import sys

import pytest

CODE = """
import sys
from torch import nn
import hvit_edge

target, precision, output = sys.argv[1:]
hvit_edge.compile(
    nn.Sequential(nn.Conv2d(3, 8, 4, 4), nn.ReLU(), nn.Flatten(), nn.Linear(32, 4)).eval(),
    target=target,
    precision=precision,
    preprocess=hvit_edge.Preprocess(input_size=(8, 8), resize_size=8),
    output=output,
)
print([name for name in ("executorch.exir", "ruamel.yaml", "torchao") if name in sys.modules])
"""


@pytest.mark.parametrize(
    "target, precision",
    [("native", "fp32"), ("native", "fp16"), ("native", "int8-dynamic")],
)
def test_the_compiler_of_executorch_is_not_imported(target, precision, tmp_path):
    output = tmp_path / "a.pte"
    done = subprocess.run(
        [sys.executable, "-c", CODE, target, precision, output], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[]\n"
