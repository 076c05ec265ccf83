"""Compute discrete Fourier transforms of constant sizes as products with constant matrices.

A transform along a dimension of n elements multiplies it by a matrix of the cosines and sines of
2 pi j k / n. The angles are reduced modulo n in integers, and the matrices are made in float64.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.fx import Node

from hvit_edge.lowering.graph import Editor, aten, shape_of
from hvit_edge.lowering.replace_indexing import along

LONGEST = 512
"""The most elements of a transform, whose matrices have the square of that."""
MATRIX = "fourier_matrix"
"""The names of the matrices end with it, and perhaps a number."""

Pair = tuple[Node, Node]
"""The real and the imaginary part of a tensor."""


@dataclass(frozen=True)
class Transform:
    """Describes a transform along one dimension.

    Attributes:
        dim: the dimension, from zero on.
        length: the number of elements of the transform; the input is cut or padded to it.
        inverse: True if the exponent is positive.
        scale: factor of the result.
    """

    dim: int
    length: int
    inverse: bool
    scale: float


def is_fourier_matrix(weight: Node) -> bool:
    """Return True if a constant is a matrix of this module, which has no weights of the model."""
    return re.search(rf"{MATRIX}(_\d+)?$", str(weight.target)) is not None


def transforms(
    dims: Sequence[int], lengths: Sequence[int], norm: str | None, *, inverse: bool
) -> list[Transform]:
    """Return the transforms along several dimensions, with PyTorch's name of their scale."""
    scaled = norm == "ortho" or (norm == "forward") != inverse
    power = (0.5 if norm == "ortho" else 1.0) if scaled else 0.0
    return [
        Transform(dim, length, inverse, length**-power)
        for dim, length in zip(dims, lengths, strict=True)
    ]


def of_real(edit: Editor, source: Node, transform: Transform) -> Pair:
    """Transform a real tensor, and return the first half of the result and the middle."""
    bins = transform.length // 2 + 1
    cosines, sines = _waves(transform, bins, shape_of(source)[transform.dim])
    return tuple(_times(edit, source, transform.dim, matrix) for matrix in (cosines, sines))


def of_pair(edit: Editor, source: Pair, transform: Transform) -> Pair:
    """Transform a complex tensor."""
    dim = transform.dim
    real, imaginary = source
    cosines, sines = _waves(transform, transform.length, shape_of(real)[dim])
    return (
        edit.call(
            aten.sub.Tensor,
            _times(edit, real, dim, cosines),
            _times(edit, imaginary, dim, sines),
        ),
        edit.call(
            aten.add.Tensor,
            _times(edit, real, dim, sines),
            _times(edit, imaginary, dim, cosines),
        ),
    )


def to_real(edit: Editor, source: Pair, transform: Transform) -> Node:
    """Transform half of a symmetric complex tensor to a real one.

    Every element but the first and the middle one stands for two. Their imaginary parts do not
    matter, because their sines are zero.
    """
    dim, length = transform.dim, transform.length
    bins = min(shape_of(source[0])[dim], length // 2 + 1)
    cosines, sines = _waves(transform, length, shape_of(source[0])[dim])
    weights = torch.full((cosines.shape[1],), 2.0, dtype=torch.float64)
    weights[0] = 1
    weights[bins:] = 0
    if length % 2 == 0:
        weights[length // 2 : length // 2 + 1] = 1
    return edit.call(
        aten.sub.Tensor,
        _times(edit, source[0], dim, cosines * weights),
        _times(edit, source[1], dim, sines * weights),
    )


def _waves(transform: Transform, rows: int, columns: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the scaled cosines and sines, float64 [rows, columns].

    Columns after the length of the transform are zero, so that they cut the input.
    """
    length = transform.length
    turns = torch.outer(torch.arange(rows), torch.arange(columns)) % length
    angles = turns.double() * (2 * math.pi / length)
    scales = (torch.arange(columns) < length).double() * transform.scale
    sign = 1.0 if transform.inverse else -1.0
    # A multiple of half a turn has no sine, and a multiple of a quarter turn no cosine.
    sines = torch.where(2 * turns % length == 0, 0.0, angles.sin())
    quarter = (4 * turns % length == 0) & (2 * turns % length != 0)
    cosines = torch.where(quarter, 0.0, angles.cos())
    return cosines * scales, sign * sines * scales


def _times(edit: Editor, source: Node, dim: int, matrix: torch.Tensor) -> Node:
    return along(edit, source, dim, matrix, name=MATRIX)
