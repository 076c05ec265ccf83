"""Write cpp/tests/data/{tensors,native_tensors}_v2.pte: artifacts of arrays.

    python cpp/tests/make_tensors.py

Run it only when the schema changes, with a new name, like make_tiny.py.
"""

from __future__ import annotations

import os
from pathlib import Path

import torch
from torch import nn

import hvit_edge
from hvit_edge import InputSpec

DATA = Path(__file__).parent / "data"
SPECS = [
    InputSpec("x", (2, 3)),
    InputSpec("counts", (2, 4), "int64", (0, 9)),
    InputSpec("mask", (4,), "bool"),
]


class Sums(nn.Module):
    """Computes y = x W + counts, and y where the mask is set."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 4, bias=False)
        with torch.no_grad():
            self.linear.weight.copy_(torch.arange(12.0).reshape(4, 3))

    def forward(self, x: torch.Tensor, counts: torch.Tensor, mask: torch.Tensor) -> dict:
        y = self.linear(x) + counts.float()
        return {"sums": y, "masked": y * mask.reshape(1, 4).float()}


class Largest(Sums):
    """Computes the same for XNNPACK, and also the index of the largest sum."""

    def forward(self, x: torch.Tensor, counts: torch.Tensor, mask: torch.Tensor) -> dict:
        outputs = super().forward(x, counts, mask)
        return {**outputs, "largest": outputs["sums"].argmax(-1)}


def main() -> None:
    """Compile both."""
    os.environ["SOURCE_DATE_EPOCH"] = "1795996800"
    for name, module, target in (
        ("tensors", Largest(), "xnnpack"),
        ("native_tensors", Sums(), "native"),
    ):
        path = DATA / f"{name}_v2.pte"
        hvit_edge.compile(module.eval(), inputs=SPECS, target=target, output=path, force=True)
        print(path, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
