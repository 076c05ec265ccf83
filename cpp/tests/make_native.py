"""Write native_v1.pte and native_half_v1.pte of cpp/tests/data, which the C++ tests load.

    python cpp/tests/make_native.py

Existing files are kept: a new version of the plan gets new names.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from hvit_edge import compile
from hvit_edge.preprocess import Preprocess

DATA = Path(__file__).parent / "data"
TARGETS = {"fp32": "native_v1.pte", "fp16": "native_half_v1.pte"}


class Tiny(nn.Module):
    """A stem, an inverted residual, a norm and a head, for images of 32x24."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.expand = nn.Conv2d(8, 16, 1)
        self.depthwise = nn.Conv2d(16, 16, 3, padding=1, groups=16)
        self.project = nn.Conv2d(16, 8, 1)
        self.norm = nn.LayerNorm(8)
        self.head = nn.Linear(8, 7)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map float32 [N, 3, H, W] to float32 [N, 7]."""
        x = torch.relu(self.stem(x))
        x = x + self.project(torch.relu(self.depthwise(torch.relu(self.expand(x)))))
        return self.head(self.norm(x.flatten(2).transpose(1, 2)).mean(dim=1))


def make() -> nn.Module:
    """Return the network with fixed weights."""
    torch.manual_seed(0)
    return Tiny().eval()


def main() -> None:
    """Compile the network."""
    labels = [f"class {index}" for index in range(7)]
    preprocess = Preprocess((32, 24), resize_size=32)
    module = make()
    for precision, name in TARGETS.items():
        target = DATA / name
        if target.exists():
            continue
        compile(
            module,
            target="native",
            precision=precision,
            preprocess=preprocess,
            labels=labels,
            output=target,
        )
        print(target, target.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
