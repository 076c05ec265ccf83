"""The module of each operator that a backend reports.

Our own backend reports modules itself. For XNNPACK there is what the artifact recorded of its
graph: the operators in the order in which they were serialised, each with its kind and module.
XNNPACK fuses some, leaves some out and adds some, keeps the order, and reports kinds alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from hvit_edge.artifact.metadata import OperatorRecord
from hvit_edge.profile.operator_groups import kind_of, native_parts

LAYER = "layer"
"""A 1x1 convolution runs as a fully connected operator."""
REPORTED = {
    **dict.fromkeys(("Conv2d", "DepthwiseConv2d", "FullyConnected"), LAYER),
    **dict.fromkeys(("Convolution", "Fully Connected", "Dynamic Fully Connected"), LAYER),
    **{f"Concatenate{count}": "Copy" for count in range(2, 6)},
    "ArgMaxPooling2d": "ArgMax Pooling",
    "AvgPooling2d": "Average Pooling",
    "BatchMatrixMultiply": "Batch Matrix Multiply",
    "ConvTranspose2d": "Deconvolution",
    "Cos": "Cosine",
    "Div": "Divide",
    "GlobalAvgPooling2d": "Mean",
    "Hardswish": "HardSwish",
    "MaxPooling2d": "Max Pooling",
    "ReciprocalSquareRoot": "Reciprocal Square Root",
    "Sin": "Sine",
    "SquareRoot": "Square Root",
    "StaticConstantPad": "Constant Pad",
    "StaticReshape": "Static Reshape",
    "StaticResizeBilinear2D": "Resize Bilinear",
    "StaticSlice": "Slice",
    "StaticTranspose": "Transpose",
    "Tanh": "TanH",
}
"""What serialised and reported kinds have in common; a kind that is not here is its own."""


def modules_of(records: Sequence[OperatorRecord], names: Sequence[str]) -> list[str | None]:
    """The module of each reported operator; None where it is not certain.

    Certain is a kind of which as many are reported as were recorded: the first is the first. Were
    the operators so found not in the recorded order, XNNPACK would have moved some, and nothing
    would be certain at all.

    Args:
        records: in the order of the serialised graph; empty for older artifacts.
        names: as the backend reports them, in the order in which they run.
    """
    native = [native_parts(name) for name in names]
    if all(native):
        return [module or None for _, module in native]
    recorded, reported = defaultdict(list), defaultdict(list)
    for index, record in enumerate(records):
        recorded[REPORTED.get(record.kind, record.kind)].append(index)
    for index, name in enumerate(names):
        kind = kind_of(name)
        reported[REPORTED.get(kind, kind)].append(index)
    found: dict[int, int] = {}
    for kind, indices in reported.items():
        if len(indices) == len(recorded[kind]):
            found.update(zip(indices, recorded[kind], strict=True))
    order = [found[index] for index in sorted(found)]
    if order != sorted(order):
        return [None] * len(names)
    return [
        (records[found[index]].module or None) if index in found else None
        for index in range(len(names))
    ]
