"""Compute the second moments of each layer's input over the calibration images.

    mean[i] = E x[i]        covariance[i, j] = E (x[i] - mean[i]) (x[j] - mean[j])

x is what one output element reads: a token's features for a linear, a patch for a convolution.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.fx import GraphModule
from torch.nn import functional as F

from hvit_edge.lowering.graph import shape_of
from hvit_edge.progress import Wrap, silent
from hvit_edge.quantize.layers import Layer
from hvit_edge.quantize.patch_sums import PatchSums, has_shared_rows
from hvit_edge.quantize.ranges import visit

ENOUGH_ROWS = 1024


@dataclass(frozen=True)
class Moments:
    """Holds float64 `mean` [groups, inputs] and `covariance` [groups, inputs, inputs]
    of a layer.
    """

    mean: Tensor
    covariance: Tensor


class ReadOnce(dict[str, Moments]):
    """Holds moments until they are read: all together take more memory than the weights."""

    def __getitem__(self, name: str) -> Moments:
        return self.pop(name)


def input_moments(
    graph: GraphModule,
    layers: Sequence[Layer],
    inputs: Sequence[tuple[Tensor, ...]],
    progress: Wrap = silent,
) -> dict[str, Moments]:
    """Return the moments of each of `layers` over all `inputs`, by the name of its node.

    Layers that read the same rows have the same object.
    """
    readers: dict[object, dict[Hashable, Layer]] = {}
    for layer in layers:
        readers.setdefault(layer.source, {}).setdefault(_reading(layer), layer)
    sums: dict[tuple[object, Hashable], _Waiting] = {}

    def add(node: object, value: Tensor) -> None:
        if value.element_size() < 4:
            value = value.float()  # numpy has no bfloat16, and multiplies float16 slowly
        for reading, layer in readers[node].items():
            if (node, reading) not in sums:
                sums[node, reading] = _Waiting(layer, value)
            sums[node, reading].add(value)

    visit(graph, set(readers), progress(inputs, len(inputs)), add)
    found = {key: entry.moments() for key, entry in sums.items()}
    return {layer.node.name: found[layer.source, _reading(layer)] for layer in layers}


def _reading(layer: Layer) -> Hashable:
    """Return what decides which rows a layer cuts out of its input."""
    return layer.is_linear or (tuple(shape_of(layer.weight)[2:]), layer.geometry)


class _Waiting:
    """Keeps what a layer reads until it is enough to be added up in one product.

    Adding a product in float64 takes as long as multiplying hundreds of rows.
    """

    def __init__(self, layer: Layer, first: Tensor) -> None:
        self.layer = layer
        self.sums = PatchSums(layer, first) if has_shared_rows(layer) else _RowSums(layer, first)
        self.values: list[Tensor] = []
        outputs, *_ = shape_of(layer.weight)
        self.rows = layer.node.meta["val"].numel() // outputs

    def add(self, value: Tensor) -> None:
        """Add the rows of a value, which must not change later."""
        self.values.append(value)
        if len(self.values) * self.rows >= ENOUGH_ROWS:
            self._add_up()

    def _add_up(self) -> None:
        self.sums.add(torch.cat(self.values) if len(self.values) > 1 else self.values[0])
        self.values.clear()

    def moments(self) -> Moments:
        """Return the moments of all values; nothing can be added afterwards."""
        if self.values:
            self._add_up()
        mean, covariance = self.sums.mean_and_covariance()
        return Moments(torch.from_numpy(mean), torch.from_numpy(covariance))


class _RowSums:
    """Adds up rows minus `origin` [groups, inputs], about their mean: float32 products suffice.

    numpy computes one half of the product of a matrix with itself, unlike PyTorch.
    """

    def __init__(self, layer: Layer, first: Tensor) -> None:
        self.layer = layer
        self.origin = input_rows(layer, first).mean(1)
        self.count = 0
        groups, inputs = self.origin.shape
        self.total = np.zeros((groups, inputs))
        self.products = np.zeros((groups, inputs, inputs))

    def add(self, value: Tensor) -> None:
        """Add the rows that the layer reads from a value."""
        shifted = (input_rows(self.layer, value) - self.origin[:, None, :]).numpy()
        self.count += shifted.shape[1]
        self.total += shifted.sum(1, dtype=np.float64)
        for products, rows in zip(self.products, shifted, strict=True):
            products += rows.T @ rows

    def mean_and_covariance(self) -> tuple[np.ndarray, np.ndarray]:
        """Return both as in `Moments`; nothing can be added afterwards."""
        mean = self.total / self.count
        self.products /= self.count
        self.products -= mean[:, :, None] * mean[:, None, :]
        return mean + self.origin.numpy(), self.products


def input_rows(layer: Layer, value: Tensor) -> Tensor:
    """Return what each output element of `layer` reads from `value`, [groups, elements, inputs]."""
    if layer.is_linear:
        return value.reshape(1, -1, value.shape[-1])
    how = layer.geometry
    if layer.is_pointwise:
        return value.movedim(1, -1).reshape(1, -1, value.shape[1])
    patches = F.unfold(
        value,
        shape_of(layer.weight)[2:],
        dilation=how.dilation,
        padding=how.padding,
        stride=how.stride,
    )
    grouped = patches.reshape(len(value), how.groups, -1, patches.shape[-1])
    return grouped.permute(1, 0, 3, 2).reshape(how.groups, -1, grouped.shape[2])
