"""Normalize pixels with constants that float16 holds.

Rounding the weights of a convolution causes errors in every direction. Rounding the two constants
of a color shifts all its pixels in the same direction, and nothing in the network averages that
out.

Identity, for each color: conv(x * s + b, W) = conv(x * p + q, W * s / p), with q = b * p / s

    image -> x * s + b -> conv2d(W) -> y      image -> x * p + q -> conv2d(W') -> y

p is the float16 near s for which q is nearest to a float16. The zeros that a convolution pads with
stay zeros.

Preconditions: there is a bias (a scale without a bias is one more rounded weight), and the image is
read only by convolutions with constant weights and one group. Otherwise the constants stay. Weights
are computed in float64, and q is rounded to float16.
"""

from __future__ import annotations

import numpy as np
import torch
from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import (
    Editor,
    argument,
    aten,
    cleanup,
    has_constant_weights,
    is_call,
    layer_constants,
)
from hvit_edge.targets.coreml.translate import Pixels

HALF = np.finfo(np.float16)
REACH = 64  # float16 values tried on each side of a scale, all within 1/16 of it


def hold_in_float16(graph: GraphModule, pixels: Pixels) -> Pixels:
    """Apply the rewrite to `graph` and return the constants that it now expects.

    Args:
        graph: a graph that was rewritten by `COREML_PIPELINE`.
        pixels: what the program does to pixels before `graph` reads them.
    """
    image = next(node for node in graph.graph.nodes if node.op == "placeholder")
    if not pixels.bias.any() or not all(_can_scale(user, image) for user in image.users):
        return pixels
    held = [_held(s, b) for s, b in zip(pixels.scale, pixels.bias, strict=True)]
    if None in held:
        return pixels
    scale, bias = np.array(held).T
    ratio = torch.from_numpy(pixels.scale / scale).reshape(1, -1, 1, 1)
    for convolution in list(image.users):
        weight, offset = layer_constants(graph, convolution)
        edit = Editor(graph, convolution)
        edit.replace(edit.layer(convolution, weight * ratio, offset))
    cleanup(graph)
    return Pixels(scale, bias)


def _can_scale(user: Node, image: Node) -> bool:
    return (
        is_call(user, aten.conv2d.default)
        and user.args[0] is image
        and argument(user, 6, "groups", 1) == 1
        and has_constant_weights(user)
    )


def _held(scale: float, bias: float) -> tuple[float, float] | None:
    """Return the p and q of one color, or None if float16 has no such numbers."""
    if not HALF.tiny <= scale <= HALF.max:
        return None
    steps = sorted(range(-REACH, REACH + 1), key=abs)  # of equal errors, the nearest scale is taken
    bits = int(np.float16(scale).view(np.int16)) + np.array(steps)
    near = bits.astype(np.int16).view(np.float16).astype(np.float64)
    shifts = bias / scale * near
    fits = np.isfinite(near) & (np.abs(shifts) <= HALF.max)
    if not fits.any():
        return None
    near, shifts = near[fits], shifts[fits]
    rounded = shifts.astype(np.float16).astype(np.float64)
    best = int(np.abs((rounded - shifts) / near).argmin())
    return float(near[best]), float(rounded[best])
