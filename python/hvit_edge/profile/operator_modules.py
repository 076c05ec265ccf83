"""Find the module of each operator that a backend reports.

Our own backend reports modules itself. For XNNPACK, the artifact has a record of the graph: the
operators in the order of serialization, each with its kind and module. XNNPACK fuses, drops and
adds some operators, keeps their order, and reports only kinds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from hvit_edge.artifact.metadata import OperatorRecord
from hvit_edge.profile.operator_groups import kind_of, native_parts

LAYER = "layer"
"""Common kind of convolutions and linears, as a 1x1 convolution runs as fully connected."""
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
    "Gelu": "GELU",
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
"""Common names of serialized and reported kinds; other kinds have the same name in both."""


def modules_of(records: Sequence[OperatorRecord], names: Sequence[str]) -> list[str | None]:
    """Return the module of each reported operator: empty for the root, None if it is not certain.

    A kind is certain if as many of its operators are reported as were recorded; they are matched in
    order. If the matched operators are not in the recorded order, XNNPACK has moved some of them,
    and then no module is certain.

    Args:
        records: operators in the order of the serialized graph; empty for older artifacts.
        names: names that the backend reports, in the order of execution.
    """
    native = [parts for name in names if (parts := native_parts(name))]
    if len(native) == len(names):
        return [module for _, module in native]
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
    return [records[found[index]].module if index in found else None for index in range(len(names))]
