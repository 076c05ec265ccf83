"""Choose the rows of which the covariance of a layer's input is computed.

A row is what one output element of a layer reads. Neighboring tokens and patches are alike, and all
calibration inputs together have many more rows than the covariance of a narrow layer needs. Every
input contributes the same number of rows, evenly spread over it, and the next input others.

The mean is that of all rows: the error of a sample's mean, which the bias takes up, costs mobilevit
half a decibel, whereas 8 to 64 rows for each element of a row make no difference.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from hvit_edge.lowering.graph import shape_of
from hvit_edge.quantize.layers import Layer

ROWS_PER_INPUT = 32
"""The least number of rows for each element of a row, if there are so many."""


LEAST_ROWS = 1 << 14
"""The least number of rows, however few elements they have."""


class RowSample:
    """Cuts the chosen rows out of one input after the other.

    Args:
        layer: the layer that reads them.
        inputs: the number of calibration inputs.

    Attributes:
        step: the distance of chosen rows, of convolutions along both axes; 1 chooses all.
    """

    def __init__(self, layer: Layer, inputs: int) -> None:
        self._layer = layer
        outputs, *row = shape_of(layer.weight)
        rows = layer.node.meta["val"].numel() // outputs * inputs
        spare = max(1, rows // max(LEAST_ROWS, ROWS_PER_INPUT * math.prod(row)))
        one_axis = layer.is_linear or layer.is_pointwise
        self.step = spare if one_axis else math.isqrt(spare)
        self._turn = -1

    def rows(self, value: Tensor) -> Tensor:
        """Return rows that the layer reads from `value`, [groups, rows, elements]."""
        self._turn += 1
        if self._layer.is_linear:
            return self._spread(value.reshape(1, -1, value.shape[-1]))
        if self._layer.is_pointwise:
            return self._spread(value.movedim(1, -1).reshape(1, -1, value.shape[1]))
        return self._patches(value)

    def first(self, value: Tensor) -> Tensor:
        """Return the rows of the first input, which `rows` is called with again."""
        found = self.rows(value)
        self._turn = -1
        return found

    def _spread(self, rows: Tensor) -> Tensor:
        return rows[:, self._turn % self.step % rows.shape[1] :: self.step]

    def _patches(self, value: Tensor) -> Tensor:
        """Return patches whose distance is `step` strides along both axes."""
        how, kernel = self._layer.geometry, shape_of(self._layer.weight)[2:]
        up, left = how.padding
        padded = F.pad(value, (left, left, up, up))
        sizes = shape_of(self._layer.node)[-2:]
        top, start = (
            turn % self.step % size * stride
            for turn, size, stride in zip(
                (self._turn, self._turn // self.step), sizes, how.stride, strict=True
            )
        )
        stride = [self.step * each for each in how.stride]
        patches = F.unfold(padded[..., top:, start:], kernel, how.dilation, 0, stride)
        grouped = patches.reshape(len(value), how.groups, -1, patches.shape[-1])
        return grouped.permute(1, 0, 3, 2).reshape(how.groups, -1, grouped.shape[2])

    def mean(self, value: Tensor) -> Tensor:
        """Return the mean of all rows that the layer reads from `value`, [groups, elements]."""
        if self._layer.is_linear:
            return value.reshape(1, -1, value.shape[-1]).mean(1)
        how, (rows, columns) = self._layer.geometry, shape_of(self._layer.weight)[2:]
        up, left = how.padding
        height, width = shape_of(self._layer.node)[-2:]
        padded = F.pad(value, (left, left, up, up)).sum(0)
        across = [
            _sum(padded, column * how.dilation[1], width, how.stride[1])
            for column in range(columns)
        ]
        total = torch.stack(
            [
                torch.stack(
                    [_sum(sums, row * how.dilation[0], height, how.stride[0]) for sums in across]
                )
                for row in range(rows)
            ]
        )
        return total.permute(2, 0, 1).reshape(how.groups, -1) / (len(value) * height * width)


def _sum(values: Tensor, first: int, count: int, stride: int) -> Tensor:
    """Return the sum of `count` slices of the last dimension that are `stride` apart."""
    return values[..., first : first + (count - 1) * stride + 1 : stride].sum(-1)
