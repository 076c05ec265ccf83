"""Write cpp/tests/data/{,native_}{embed,segment,detect}_v2.pte: a tiny artifact of each task.

    python cpp/tests/make_tasks.py

The weights are chosen by hand, so that the answer to a frame of a few colors is known. Run it only
when the schema changes, with a new name, like make_tiny.py.
"""

from __future__ import annotations

import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from hvit_edge.artifact.container import GoldenPhoto, constant_methods, seal
from hvit_edge.artifact.metadata import TENSOR_SCHEMA_VERSION, Difference, Metadata
from hvit_edge.preprocess import Preprocess
from hvit_edge.tasks import Detect

HERE = Path(__file__).parent
DATA = HERE / "data"
SIZE = (32, 24)
LABELS = ("background", "red", "green", "blue")
ROWS, COLUMNS = 4, 3
PREPROCESS = Preprocess(
    input_size=SIZE,
    resize="stretch",
    resize_size=0,
    interpolation="bilinear",
    mean=(0.5, 0.5, 0.5),
    std=(0.5, 0.5, 0.5),
    channel_order="RGB",
)


def colors() -> nn.Conv2d:
    """Return logits of the background (0) and of red, green and blue (-6 to 6)."""
    layer = nn.Conv2d(3, 4, 1)
    with torch.no_grad():
        layer.bias.copy_(torch.tensor([0.0, -2.0, -2.0, -2.0]))
        weight = torch.full((3, 3), -2.0) + 6 * torch.eye(3)
        layer.weight.copy_(torch.cat([torch.zeros(1, 3), weight]).reshape(4, 3, 1, 1))
    return layer


class Segmenting(nn.Module):
    """Computes the logits of each square of 4 pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d(4)
        self.colors = colors()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.colors(self.pool(x))


class Detecting(nn.Module):
    """Computes the logits of each cell of 8 pixels, and the same offsets for all."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d(8)
        self.colors = colors()
        self.offsets = nn.Conv2d(3, 4, 1)
        with torch.no_grad():
            self.offsets.weight.zero_()
            self.offsets.bias.copy_(torch.tensor([0.5, -0.5, -1.0, 0.0]))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        cells = self.pool(x)
        rows = [values.permute(0, 2, 3, 1) for values in (self.colors(cells), self.offsets(cells))]
        return rows[0].reshape(1, ROWS * COLUMNS, 4), rows[1].reshape(1, ROWS * COLUMNS, 4)


class Embedding(nn.Module):
    """Computes five sums of the mean color."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 5)
        with torch.no_grad():
            self.linear.weight.copy_(
                torch.tensor([[2.0, 0, 0], [0, 2, 0], [0, 0, 2], [1, 1, 0], [0, 1, 1]])
            )
            self.linear.bias.fill_(0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(x.mean((2, 3)))


def anchors() -> np.ndarray:
    """Return the cells."""
    cells = [
        ((column + 0.5) / COLUMNS, (row + 0.5) / ROWS, 1 / COLUMNS, 1 / ROWS)
        for row in range(ROWS)
        for column in range(COLUMNS)
    ]
    return np.array(cells, np.float32)


def photo() -> np.ndarray:
    """Return a gray photo with a red and a blue rectangle."""
    image = np.full((64, 48, 3), 128, np.uint8)
    image[:32, :16] = (255, 0, 0)
    image[48:, 16:] = (0, 0, 255)
    return image


def described(task: str, model: nn.Module, target: str) -> dict[str, object]:
    """Return the constant methods of an artifact."""
    with torch.no_grad():
        answer = model(torch.from_numpy(PREPROCESS(photo())))
    outputs = answer if isinstance(answer, tuple) else (answer,)
    names = {"embed": ("embedding",), "segment": ("logits",), "detect": ("logits", "offsets")}
    metadata = Metadata(
        schema_version=TENSOR_SCHEMA_VERSION,
        model_name=f"tiny_{task}",
        target=target,
        precision="fp32",
        created="2026-11-30T00:00:00Z",
        weights_source="chosen by hand",
        weights_sha256="0" * 64,
        versions={"hvit-edge": "0.1.0"},
        labels=(),
        preprocess=PREPROCESS,
        parity=Difference(0.0, 0.0, 1.0, True),
        golden_tolerance=1e-4,
        task=task,
        output_names=names[task],
    )
    if task == "embed":
        metadata = replace(metadata, normalize="l2")
    elif task == "segment":
        shown = ("#000000", "#ff0000", "#00ff00", "#0000ff")
        metadata = replace(metadata, labels=LABELS, colors=shown)
    else:
        spec = Detect(anchors=anchors(), score_threshold=0.3, candidates=10, max_detections=5)
        metadata = replace(metadata, labels=LABELS[1:], detect=spec)
    return constant_methods(metadata, GoldenPhoto(photo(), tuple(out.numpy() for out in outputs)))


def main() -> None:
    """Compile each of them for both targets."""
    full = runpy.run_path(str(HERE.parents[1] / "tests/runtime/conftest.py"))["lower"]
    native = runpy.run_path(str(HERE / "make_tiny_native.py"))["program"]
    for task, module in (("embed", Embedding), ("segment", Segmenting), ("detect", Detecting)):
        model = module().eval()
        programs = {
            f"{task}_v2.pte": full(model, described(task, model, "xnnpack")),
            f"native_{task}_v2.pte": native(model, SIZE, described(task, model, "native")),
        }
        for name, program in programs.items():
            path = DATA / name
            path.write_bytes(seal(program))
            print(path, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
