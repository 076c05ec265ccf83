"""Code that runs on a device must not import torch, and must print only its result."""

import json
import subprocess
import sys

import numpy as np
import pytest

CODE = """
import sys
from hvit_edge.cli import main
code = main(sys.argv[1:])
loaded = [m for m in ("torch", "executorch.exir", "huggingface_hub") if m in sys.modules]
print(loaded, file=sys.stderr)
sys.exit(code)
"""


@pytest.mark.parametrize("verb", ["run", "validate", "inspect", "bench", "eval", "doctor"])
def test_verb_imports_no_torch_and_prints_json_alone(artifact, photo, tmp_path, verb):
    data = tmp_path / "d.npz"
    np.savez(data, images=np.zeros((2, 8, 8, 3), np.uint8), labels=np.array([0, 1]))
    arguments = {
        "run": [artifact, photo, "--self-test"],
        "validate": [artifact, "--self-test"],
        "inspect": [artifact],
        "bench": [artifact, "--iterations", 1, "--warmup", 0],
        "eval": [artifact, data],
        "doctor": [],
    }[verb]
    done = subprocess.run(
        [sys.executable, "-c", CODE, verb, *(str(a) for a in arguments), "--format", "json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == "[]\n", "no torch, no noise"
    assert isinstance(json.loads(done.stdout), dict)
