"""Write cpp/tests/data/{two_outputs,integer_output}_v1.pte: artifacts that are not classifiers.

    python cpp/tests/make_outputs.py

Run it only when the schema changes, like make_tiny.py.
"""

from __future__ import annotations

import runpy
import shutil
import tempfile
from pathlib import Path

import torch
from torch import nn

ROOT = Path(__file__).parents[2]
DATA = Path(__file__).parent / "data"


class TwoOutputs(nn.Module):
    """The tiny network; it returns its features in addition to the logits."""

    def __init__(self, tiny: nn.Module) -> None:
        super().__init__()
        self.tiny = tiny

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features = torch.relu(self.tiny.conv(x)).mean((2, 3))
        return self.tiny.head(features), features


class IntegerOutput(nn.Module):
    """The tiny network; it returns the class instead of the logits."""

    def __init__(self, tiny: nn.Module) -> None:
        super().__init__()
        self.tiny = tiny

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.tiny(x).argmax(1)


def main() -> None:
    """Build both with the fixture of tests/runtime."""
    fixtures = runpy.run_path(str(ROOT / "tests/runtime/conftest.py"))
    photo = torch.zeros(4, 4, 3, dtype=torch.uint8)
    with tempfile.TemporaryDirectory() as folder:
        tiny = fixtures["build_tiny"](Path(folder))
        for name, wrapped in (("two_outputs", TwoOutputs), ("integer_output", IntegerOutput)):
            made = tiny.make(name, model=wrapped(tiny.model), labels="", golden_image=photo)
            target = DATA / f"{name}_v1.pte"
            shutil.copyfile(made, target)
            print(target, target.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
