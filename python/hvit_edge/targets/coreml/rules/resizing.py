"""Translate resizing of maps: to Core ML's operators if they are PyTorch's, else to products."""

from __future__ import annotations

import math

import numpy as np
import torch
from coremltools.converters.mil import Builder as mb

from hvit_edge.lowering.graph import aten
from hvit_edge.targets.coreml.layout import Layout
from hvit_edge.targets.coreml.moves import taken
from hvit_edge.targets.coreml.rules.products import along
from hvit_edge.targets.coreml.rules.registry import Call, rule
from hvit_edge.targets.coreml.values import Value, plain

BILINEAR = (aten.upsample_bilinear2d.vec, aten.upsample_bilinear2d.default)
SMOOTH = (
    aten.upsample_bicubic2d.vec,
    aten.upsample_linear1d.vec,
    aten.upsample_trilinear3d.vec,
    aten._upsample_bilinear2d_aa.vec,
    aten._upsample_bicubic2d_aa.vec,
)
NEAREST = (
    aten.upsample_nearest2d.vec,
    aten.upsample_nearest2d.default,
    aten.upsample_nearest1d.vec,
    aten.upsample_nearest1d.default,
    aten._upsample_nearest_exact1d.vec,
    aten._upsample_nearest_exact2d.vec,
    aten._upsample_nearest_exact2d.default,
)


@rule(*NEAREST)
def upsample_nearest(call: Call) -> Value:
    """Resize by integer factors, or take each side at the places that PyTorch takes."""
    x = call.tensor(0)
    sizes = list(zip(x.layout.shape[2:], call.shape[2:], strict=True))
    places = [_places(call, side, old) for side, (old, _) in enumerate(sizes)]
    factors = [new // old for old, new in sizes]
    whole = all(new % old == 0 for old, new in sizes) and all(
        np.array_equal(place, np.arange(len(place)) // factor)
        for place, factor in zip(places, factors, strict=True)
    )
    if whole and len(factors) == 2:
        plain(x)
        scaled = mb.upsample_nearest_neighbor(
            x=x.data, scale_factor_height=factors[0], scale_factor_width=factors[1]
        )
        return Value(scaled, Layout.plain(call.shape))
    for side, place in enumerate(places):
        x = taken(x, side + 2, place)
    return x


def _places(call: Call, side: int, old: int) -> np.ndarray:
    """Return the places along one side that PyTorch takes pixels from, as the operator
    gives them.
    """
    shape = [
        1,
        1,
        *(old if at == side else n for at, n in enumerate(call.tensor(0).layout.shape[2:])),
    ]
    ramp = torch.arange(old, dtype=torch.float64)
    ramp = ramp.reshape([-1 if at == side + 2 else 1 for at in range(len(shape))]).expand(shape)
    answer = call.node.target(ramp, *call.node.args[1:], **call.node.kwargs)
    picked = [slice(None) if at == side + 2 else 0 for at in range(len(shape))]
    return answer[tuple(picked)].numpy().astype(np.int64)


@rule(*BILINEAR)
def upsample_bilinear(call: Call) -> Value:
    """Resize with PyTorch's pixel centers, with and without `align_corners`."""
    x, corners = call.tensor(0), call.option(2, "align_corners", False)
    if not corners and not _scales_by_size(call, 3):
        return resize(call)
    plain(x)
    y = mb.resize_bilinear(
        x=x.data,
        target_size_height=call.shape[2],
        target_size_width=call.shape[3],
        sampling_mode="STRICT_ALIGN_CORNERS" if corners else "UNALIGN_CORNERS",
    )
    return Value(y, Layout.plain(call.shape))


def _scales_by_size(call: Call, position: int) -> bool:
    """Return True if the given scales are the ratios of sizes; PyTorch uses the scales."""
    given = [scale for scale in call.node.args[position:] if scale is not None]
    scales = given[0] if given and isinstance(given[0], (list, tuple)) else given
    sizes = zip(scales, call.tensor(0).layout.shape[2:], call.shape[2:], strict=False)
    return all(math.isclose(scale * old, new) for scale, old, new in sizes)


@rule(*SMOOTH)
def resize(call: Call) -> Value:
    """Resize each side in turn, with a matrix that the operator computes."""
    x = call.tensor(0)
    for side, old in enumerate(x.layout.shape[2:]):
        matrix = _matrix(call, side, old)
        if not np.array_equal(matrix, np.eye(old)):
            x = along(x, side + 2, matrix)
    return x


def _matrix(call: Call, side: int, old: int) -> np.ndarray:
    """Return the float64 matrix [new, old] of a resize along one side, with the node's scale."""
    rank, node, new = len(call.shape) - 2, call.node, call.shape[side + 2]
    # The resized side must be the last: some kernels take [.., n, 1] for channels last.
    units = torch.eye(old, dtype=torch.float64).reshape(1, old, *[1] * (rank - 1), old)
    ones = [1] * (rank - 1)
    corners = bool(call.option(2, "align_corners", False))
    if "vec" not in str(node.target):
        scales = [None] * (rank - 1) + [call.option(3 + side, "scales")]
        answer = node.target(units, [*ones, new], corners, *scales)
    else:
        scales = call.option(3, "scale_factors")
        factors = scales and [*map(float, ones), float(scales[side])]
        answer = node.target(units, None if scales else [*ones, new], corners, factors)
    return answer.reshape(old, new).T.numpy()
