"""One process may hold this runtime, PyTorch and ExecuTorch's own Python runtime."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

OURS = """
    from hvit_edge.runtime import Session
    session = Session(path, threads=1)  # not what ExecuTorch would choose
    x = np.linspace(-1, 1, 3 * 32 * 24, dtype=np.float32).reshape(1, 3, 32, 24)
    first = session(x)[0]
"""
EXECUTORCH = """
    import torch
    from executorch.runtime import Runtime
    program = Runtime.get().load_program(path)
    method = program.load_method("forward")
    y = torch.linspace(-1, 1, 3 * 32 * 24).reshape(1, 3, 32, 24)
    theirs = method.execute([y])[0].numpy()
"""
QUANTIZED = """
    import executorch.kernels.quantized
"""
TORCH = """
    import torch
    torch.nn.functional.relu(torch.randn(64, 64) @ torch.randn(64, 64))
"""
AFTER = """
    np.testing.assert_array_equal(session(x)[0], first)
    assert session.self_test().passed
    if "theirs" in globals():
        np.testing.assert_allclose(theirs, first, rtol=0, atol=1e-6)
        np.testing.assert_allclose(method.execute([y])[0].numpy(), first, rtol=0, atol=1e-6)
    print("done")
"""


@pytest.mark.slow
@pytest.mark.full_runtime
@pytest.mark.parametrize(
    "parts",
    [
        (OURS, TORCH),
        (TORCH, OURS),
        (OURS, EXECUTORCH),
        (EXECUTORCH, OURS),
        (OURS, QUANTIZED, EXECUTORCH),
        (QUANTIZED, EXECUTORCH, OURS),
        (EXECUTORCH, OURS, QUANTIZED),
    ],
    ids=lambda parts: "-".join(
        {OURS: "ours", TORCH: "torch", EXECUTORCH: "executorch", QUANTIZED: "quantized"}[part]
        for part in parts
    ),
)
def test_import_orders(tiny, parts):
    lines = ["import sys", "import numpy as np", "path = sys.argv[1]"]
    code = "\n".join([*lines, *(textwrap.dedent(part) for part in (*parts, AFTER))])
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, tiny.path],
        capture_output=True,
        text=True,
        check=False,
        # Freed memory is overwritten, so that the use of a freed thread pool is detected.
        env={**os.environ, "MALLOC_PERTURB_": "165"},
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.endswith("done\n")
