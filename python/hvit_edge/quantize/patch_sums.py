"""Add up the products of all patches of a convolution without cutting out each patch.

A patch consists of rows of the kernel. Row a of patch p is U[p + a d], where U[h] are the windows
of one row at height h, and d is the dilation. A row of the map is in several patches, so the
products of kernel rows a and b = a + delta are nearly the same for all a:

    sum over p = 0 .. H' - 1 of U[p + a d]^T U[p + b d]
        = sum over h = a d .. a d + H' - 1 of U[h]^T U[h + delta d]
        = core[delta] + heads[delta][a:] + tails[delta][:a]

The core are the heights that belong to the sum for each a. Heads are the blocks of d heights above
it, and tails those below it. Three rows of a kernel take 2.5 products of U instead of 4.5.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from hvit_edge.lowering.graph import shape_of
from hvit_edge.quantize.layers import Layer
from hvit_edge.quantize.self_products import add_self_product, complete


def has_shared_rows(layer: Layer) -> bool:
    """Return True if `PatchSums` takes the inputs of `layer`, and is faster than single patches."""
    if layer.is_linear:
        return False
    how, (rows, _) = layer.geometry, shape_of(layer.weight)[2:]
    shared = (rows - 1) * how.dilation[0]
    tall = shape_of(layer.node)[-2] >= shared
    return shared > 0 and how.stride[0] == 1 and how.groups == 1 and tall


class PatchSums:
    """Adds up patches minus `origin`, and their products.

    Args:
        layer: a convolution for which `has_shared_rows` is True.
        first: the first value that will be added, near whose mean the others are.
    """

    def __init__(self, layer: Layer, first: Tensor) -> None:
        _, channels, self.rows, self.columns = shape_of(layer.weight)
        self.how = layer.geometry
        self.patches = shape_of(layer.node)[-2] * shape_of(layer.node)[-1] * shape_of(layer.node)[0]
        self.origin = first.mean((0, 2, 3))
        self.shape = (channels, self.rows, self.columns)
        self.count = 0
        inputs = channels * self.columns
        self.total = torch.zeros((self.rows, inputs), dtype=torch.float64)
        self.cores = torch.zeros((self.rows, inputs, inputs))
        ends = [(self.rows - 1 - apart, inputs, inputs) for apart in range(self.rows)]
        self.heads, self.tails = ([torch.zeros(shape) for shape in ends] for _ in range(2))

    def kept(self, value: Tensor) -> tuple[Tensor, int]:
        """Return what `add` reads of a value, and its number of rows."""
        return value, self.patches

    def add(self, values: Sequence[Tensor]) -> None:
        """Add all patches of values [batch, channels, height, width]."""
        step = self.how.dilation[0]
        windows = self._windows(torch.cat([*values]) if len(values) > 1 else values[0])
        height = len(windows) - (self.rows - 1) * step
        self.count += height * windows.shape[1]
        sums = windows.sum(1)
        for row in range(self.rows):
            self.total[row] += sums[row * step : row * step + height].sum(0)
        for apart in range(self.rows):
            ends = self.rows - 1 - apart
            _add(self.cores[apart], windows, ends * step, height, apart * step)
            for end in range(ends):
                top, bottom = end * step, height + end * step
                _add(self.heads[apart][end], windows, top, top + step, apart * step)
                _add(self.tails[apart][end], windows, bottom, bottom + step, apart * step)

    def _windows(self, value: Tensor) -> Tensor:
        """Return what one row of the kernel reads, [height, batch * width, channels * columns]."""
        up, left = self.how.padding
        padded = F.pad(value, (left, left, up, up)) - self.origin[:, None, None]
        stride, step = self.how.stride[1], self.how.dilation[1]
        last = padded.shape[-1] - (self.columns - 1) * step
        shifted = [padded[..., c * step : c * step + last : stride] for c in range(self.columns)]
        windows = torch.stack([part.permute(2, 0, 3, 1) for part in shifted], -1)
        return windows.reshape(len(windows), -1, self.total.shape[1])

    def mean_and_covariance(self) -> tuple[Tensor, Tensor]:
        """Return both as in `moments.Moments`."""
        channels, rows, columns = self.shape
        found = torch.empty((*self.shape, *self.shape), dtype=torch.float64)
        for row in range(rows):
            for other in range(row, rows):
                block = self._block(row, other - row).reshape(channels, columns, channels, columns)
                found[:, row, :, :, other] = block
                found[:, other, :, :, row] = block.permute(2, 3, 0, 1)
        mean = (self.total / self.count).reshape(rows, channels, columns).transpose(0, 1)
        flat = mean.reshape(-1)
        covariance = found.reshape(len(flat), len(flat))
        covariance /= self.count
        covariance.addcmul_(flat[:, None], flat, value=-1)
        mean = mean + self.origin[:, None, None]
        return mean.reshape(1, -1), covariance[None]

    def _block(self, row: int, apart: int) -> Tensor:
        """Return the sum of products of the rows `row` and `row + apart` of all patches."""
        heads, tails = self.heads[apart][row:], self.tails[apart][:row]
        found = self.cores[apart].double() + heads.sum(0) + tails.sum(0)
        return complete(found) if apart == 0 else found


def _add(sums: Tensor, windows: Tensor, first: int, last: int, apart: int) -> None:
    """Add products of windows at heights `first` to `last` and those `apart` below to `sums`.

    Only the upper half is added if both are the same windows.
    """
    rows = windows[first:last].reshape(-1, windows.shape[2])
    if apart == 0:
        add_self_product(sums, rows)
    else:
        sums.addmm_(rows.T, windows[first + apart : last + apart].reshape(rows.shape))
