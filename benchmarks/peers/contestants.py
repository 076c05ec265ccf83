"""Lists the contestants: hvit-edge in each way of compiling, and every peer in each precision."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

from tables.arm import TASK_SIZES

MODELS = ("mobilevit_xs", "conformer_ti", "shunted_t", "swin_t", *TASK_SIZES)
"""Networks that segment and detect are measured at the sizes of `TASK_SIZES`, without masks and the
suppression of boxes."""
ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENTS = {
    "own": Path(sys.executable),
    "converters": ROOT / "build/arm-peers/venv/bin/python",
    "openvino": ROOT / "build/peers/openvino/bin/python",
    "ncnn": ROOT / "build/peers/ncnn/bin/python",
}
"""The Python of each environment; `make bench-peers` creates all but the first."""


@dataclass(frozen=True)
class Contestant:
    """A contestant is one runtime in one precision.

    Attributes:
        runtime: a key of `peers/runtimes.py`.
        precision: the name of the precision in the tables.
        environment: a key of ENVIRONMENTS.
        suffix: the suffix of the file that it loads.
        source: the precision of that file, if several contestants share it.
        options: options of the runtime.
        build: arguments of `hvit_edge.compile`, for hvit-edge.
        by_default: it is measured even if it is not requested by name.
        starts_slowly: its cold start is so slow that it is measured only once.
    """

    runtime: str
    precision: str
    environment: str
    suffix: str
    source: str = ""
    options: dict[str, object] = field(default_factory=dict)
    build: dict[str, object] = field(default_factory=dict)
    by_default: bool = True
    starts_slowly: bool = False

    @property
    def name(self) -> str:
        return f"{self.runtime} {self.precision}"

    @property
    def is_ours(self) -> bool:
        return self.runtime == "hvit-edge"

    @property
    def is_reduced(self) -> bool:
        """Return True if it computes in less than float32."""
        return self.precision.split()[-1] != "fp32"

    @property
    def file(self) -> str:
        """Return the name of the file that it loads, without the name of the model."""
        return f"{self.runtime} {self.source or self.precision}{self.suffix}"


def ours(precision: str, *, by_default: bool = True, **build: object) -> Contestant:
    """Return hvit-edge with these arguments; the precision's last word is that of `compile`."""
    build = {"precision": precision.split()[-1], **build}
    return Contestant("hvit-edge", precision, "own", ".pte", build=build, by_default=by_default)


def _openvino(precision: str, source: str, inference: str) -> Contestant:
    return Contestant(
        "openvino", precision, "openvino", ".xml", source, options={"inference": inference}
    )


OURS = (
    ours("fp32"),
    ours("fp16"),
    ours("int8"),
    ours("int8-dynamic"),
    ours("native fp32", target="native"),
    ours("native int8", target="native"),
    # Its search needs labeled images, which random weights do not have. Pass a plan as
    # FOLDER/"MODEL hvit-edge auto.plan.json".
    ours("auto", by_default=False),
)
"""A new way of compiling is one more line; its name ends in the precision."""

PEERS = (
    Contestant("executorch", "fp32", "own", ".pte"),
    Contestant("executorch", "int8", "own", ".pte"),
    Contestant("litert", "fp32", "converters", ".tflite"),
    Contestant("litert", "int8", "converters", ".tflite"),
    Contestant("litert", "int8-dynamic", "converters", ".tflite"),
    Contestant("onnxruntime", "fp32", "converters", ".onnx"),
    Contestant("onnxruntime", "int8", "converters", ".onnx"),
    Contestant("onnxruntime", "int8-dynamic", "converters", ".onnx"),
    _openvino("fp32", "fp32", "f32"),
    _openvino("bf16", "fp32", "bf16"),
    _openvino("int8", "int8", "f32"),
    _openvino("int8-bf16", "int8", "bf16"),
    Contestant("ncnn", "fp32", "ncnn", ".param"),
    Contestant("torch.compile", "fp32", "own", ".pt", starts_slowly=True),
    Contestant("eager", "fp32", "own", ".pt"),
)

CONTESTANTS = {each.name: each for each in (*OURS, *PEERS)}
