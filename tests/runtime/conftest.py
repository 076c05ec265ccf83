"""A tiny artifact, sealed as docs/artifact.md specifies.

It is compiled only with ExecuTorch, for XNNPACK. The small runtime gets the same network for the
native backend.
"""

from __future__ import annotations

import copy
import struct
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
from executorch.exir import EdgeProgramManager, to_edge_transform_and_lower
from photo_frames import cell_anchors
from torch import nn
from torch.export import ExportedProgram

from hvit_edge.lowering import NATIVE_PIPELINE, export_graph, rewrite
from hvit_edge.preprocess import Preprocess
from hvit_edge.runtime.binding import BINDING, SMALL
from hvit_edge.targets.native.lower import lower as lower_native

TARGET = "native" if BINDING.kind == SMALL else "xnnpack"
BACKEND = {"native": b"HvitEdgeBackend", "xnnpack": b"XnnpackBackend"}[TARGET]
INPUT_SIZE = (32, 24)
CLASSES = 7
PREPROCESS = Preprocess(
    input_size=INPUT_SIZE,
    resize="shortest",
    resize_size=36,
    interpolation="bicubic",
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
    channel_order="BGR",
)


class TinyNet(nn.Module):
    """Has a convolution, ReLU, mean and linear: enough for a delegate with weights and an arena."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 16, 3, stride=2, padding=1)
        self.head = nn.Linear(16, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(torch.relu(self.conv(x)).mean((2, 3)))


def seal(program: bytes, *, version: int = 1) -> bytes:
    """Append the seal; `version` is the container's."""
    return program + struct.pack(
        "<8sIIQQ", b"HVITEDGE", version, zlib.crc32(program), len(program), 0
    )


@dataclass(frozen=True)
class Tiny:
    """Holds the compiled model, its eager original and the fields that were written with it.

    Attributes:
        path: the artifact.
        model: the eager original.
        fields: the constant methods of the program.
        make: writes a variant of the artifact.
        seal: appends the seal to a program.
        backend: the name of the program's backend.
    """

    path: Path
    model: nn.Module
    fields: dict[str, Any]
    make: Callable[..., Path]
    seal: Callable[..., bytes]
    backend: bytes = BACKEND

    @property
    def data(self) -> bytes:
        return self.path.read_bytes()

    @property
    def program(self) -> bytes:
        return self.data[:-32]


@cache
def edge_program(model: nn.Module, delegate: bool) -> ExportedProgram:
    """Lower `model` once, which takes seconds, for every artifact that contains it."""
    edge = to_edge_transform_and_lower(
        torch.export.export(model, (torch.zeros(1, 3, *INPUT_SIZE),)),
        partitioner=[XnnpackPartitioner()] if delegate else [],
    )
    return edge.exported_program()


def lower(model: nn.Module, fields: dict[str, Any], *, delegate: bool = True) -> bytes:
    """Compile `model` with constant methods `fields`, to the target or to portable operators."""
    if delegate and TARGET == "native":
        image = torch.zeros(1, 3, *INPUT_SIZE)
        graph = export_graph(model.eval(), (image,))
        rewrite(graph, passes=NATIVE_PIPELINE)
        return lower_native(graph, (image,)).serialize(fields)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        edge = EdgeProgramManager(
            copy.deepcopy(edge_program(model, delegate)),  # to_executorch changes it
            constant_methods=fields,
        )
        return edge.to_executorch().buffer


def golden(model: nn.Module) -> tuple[np.ndarray, torch.Tensor]:
    """Return a photo-like image, larger than the input, and the model's output for it."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[0:70, 0:90]
    waves = 120 + 100 * np.sin(rows / 9)[..., None] * np.cos(columns / 7)[..., None]
    image = np.clip(waves + rng.integers(-30, 30, (70, 90, 3)), 0, 255).astype(np.uint8)
    with torch.no_grad():
        return image, model(torch.from_numpy(PREPROCESS(image)))


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """Return the tiny artifact; `tiny.make("name", field=value, other=None)` writes a variant."""
    return build_tiny(tmp_path_factory.mktemp("tiny"))


def build_tiny(folder: Path) -> Tiny:
    """Compile the tiny artifact into `folder`."""
    torch.manual_seed(0)
    model = TinyNet().eval()
    image, output = golden(model)
    fields = {
        "hve_schema_version": 1,
        "hve_model_name": "tiny",
        "hve_target": TARGET,
        "hve_precision": "fp32",
        "hve_created": "2026-11-21T10:00:00Z",
        "hve_weights_source": "random",
        "hve_weights_sha256": "0" * 64,
        "hve_versions": "hvit-edge=0.1.0\ntorch=2.13.0\nexecutorch=1.5.1",
        "hve_labels": "\n".join(["aa", "bé", "c c", "d", "e", "f", "g"]),
        "hve_input_size": list(INPUT_SIZE),
        "hve_resize": PREPROCESS.resize,
        "hve_resize_size": PREPROCESS.resize_size,
        "hve_interpolation": PREPROCESS.interpolation,
        "hve_mean": list(PREPROCESS.mean),
        "hve_std": list(PREPROCESS.std),
        "hve_channel_order": PREPROCESS.channel_order,
        "hve_golden_image": torch.from_numpy(image),
        "hve_golden_output": output,
        "hve_golden_tolerance": 1e-4,
        "hve_parity": [1e-7, 1e-6, 1.0, 1.0],
    }

    def make(name: str, *, model: nn.Module = model, delegate: bool = True, **changes: Any) -> Path:
        changed = {**fields, **{f"hve_{key}": value for key, value in changes.items()}}
        kept = {key: value for key, value in changed.items() if value is not None}
        path = folder / f"{name}.pte"
        path.write_bytes(seal(lower(model, kept, delegate=delegate)))
        return path

    return Tiny(make("tiny"), model, fields, make, seal)


class Cells(nn.Module):
    """Maps each cell of 4x4 pixels to `channels` numbers: [1, channels, 8, 6]."""

    def __init__(self, channels: int, gain: float) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, channels, 4, stride=4)
        with torch.no_grad():
            self.conv.weight.mul_(gain)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x)


class Features(nn.Module):
    """Maps a photo to five numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.cells = Cells(5, 1.0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.cells(x).mean((2, 3))


class Boxes(nn.Module):
    """Maps each cell to the logits of three classes and the background, and to offsets."""

    def __init__(self) -> None:
        super().__init__()
        self.logits = Cells(4, 2.0)
        self.offsets = Cells(4, 1.5)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        rows = (head(x).permute(0, 2, 3, 1) for head in (self.logits, self.offsets))
        logits, offsets = (row.reshape(1, 48, 4) for row in rows)
        return logits, offsets


TASKS: dict[str, tuple[Callable[[], nn.Module], dict[str, Any]]] = {
    "embed": (Features, {"output_names": "embedding", "normalize": "l2", "labels": ""}),
    "segment": (
        lambda: Cells(5, 3.0),
        {"output_names": "logits", "colors": "", "labels": "\n".join("abcde")},
    ),
    "detect": (
        Boxes,
        {
            "output_names": "logits\noffsets",
            "labels": "cat\ndog\nhen",
            "anchors": torch.from_numpy(cell_anchors()),
            "variances": [0.1, 0.2],
            "score_threshold": 0.3,
            "iou_threshold": 0.5,
            "candidates": 200,
            "max_detections": 200,
        },
    ),
}
"""Module and fields of a tiny artifact of each task."""


@pytest.fixture(scope="session")
def tiny_task(tiny: Tiny) -> Callable[..., Path]:
    """Return a function that writes a tiny artifact of a task: `tiny_task("embed", field=value)`.

    Each call writes a new file. A field that is None is left out.
    """
    models = {}
    for task, (module, _) in TASKS.items():
        torch.manual_seed(3)
        models[task] = module().eval()
    count = 0

    def make(task: str, *, preprocess: Preprocess = PREPROCESS, **changes: Any) -> Path:
        nonlocal count
        count += 1
        image = tiny.fields["hve_golden_image"]
        with torch.no_grad():
            answer = models[task](torch.from_numpy(preprocess(image.numpy())))
        outputs = answer if isinstance(answer, tuple) else (answer,)
        fields = {
            "schema_version": 2,
            "task": task,
            "resize": preprocess.resize,
            "resize_size": preprocess.resize_size,
            "interpolation": preprocess.interpolation,
            "mean": list(preprocess.mean),
            "std": list(preprocess.std),
            "channel_order": preprocess.channel_order,
            "golden_output": None,
            **{f"golden_output_{index}": output for index, output in enumerate(outputs)},
            **TASKS[task][1],
        }
        name = f"{task}_{count}"
        return tiny.make(name, model=models[task], **{**fields, **changes})

    return make
