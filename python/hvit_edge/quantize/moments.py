"""Compute the second moments of each layer's input over the calibration images.

    mean[i] = E x[i]        covariance[i, j] = E (x[i] - mean[i]) (x[j] - mean[j])

x is what one output element reads: a token's features for a linear, a patch for a convolution.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.fx import GraphModule, Node
from torch.nn import functional as F

from hvit_edge.lowering.graph import shape_of
from hvit_edge.progress import Wrap, silent
from hvit_edge.quantize.lanes import LANES, in_lanes
from hvit_edge.quantize.layers import Layer
from hvit_edge.quantize.patch_sums import PatchSums, has_shared_rows
from hvit_edge.quantize.ranges import Visitor
from hvit_edge.quantize.self_products import add_self_product, complete

ENOUGH_ROWS = 1024


@dataclass(frozen=True)
class Moments:
    """Holds float64 `mean` [groups, inputs] and `covariance` [groups, inputs, inputs]
    of a layer.
    """

    mean: Tensor
    covariance: Tensor


class ReadOnce:
    """Computes the moments of a layer when they are read: all together take too much memory.

    Args:
        waiting: functions that return the moments, the same ones at every call, by the name of the
            layer's node. Each is forgotten after its call.
    """

    def __init__(self, waiting: Mapping[str, Callable[[], Moments]]) -> None:
        self._waiting = dict(waiting)

    def __iter__(self) -> Iterator[str]:
        return iter(self._waiting)

    def __getitem__(self, name: str) -> Moments:
        return self._waiting.pop(name)()


def input_moments(
    graph: GraphModule,
    layers: Sequence[Layer],
    inputs: Sequence[tuple[Tensor, ...]],
    progress: Wrap = silent,
) -> dict[str, Moments]:
    """Return the moments of each of `layers` over all `inputs`, by the name of its node.

    Layers that read the same rows have the same object.
    """
    found = moments_once(graph, layers, inputs, progress)
    return {layer.node.name: found[layer.node.name] for layer in layers}


def moments_once(
    graph: GraphModule,
    layers: Sequence[Layer],
    inputs: Sequence[tuple[Tensor, ...]],
    progress: Wrap = silent,
) -> ReadOnce:
    """Return what `input_moments` returns, but each layer's moments can be read only once."""
    readers: dict[Node, dict[Hashable, Layer]] = {}
    for layer in layers:
        readers.setdefault(layer.source, {}).setdefault(_reading(layer), layer)
    lanes = [_Lane(graph, readers) for _ in range(LANES)]
    in_lanes(lambda lane, arguments: lanes[lane].visit(arguments), inputs, progress)
    waiting = {
        (source, reading): _Once([lane.sums.pop((source, reading), None) for lane in lanes])
        for source, by_reading in readers.items()
        for reading in by_reading
    }
    return ReadOnce({layer.node.name: waiting[layer.source, _reading(layer)] for layer in layers})


def _reading(layer: Layer) -> Hashable:
    """Return what decides which rows a layer cuts out of its input."""
    return layer.is_linear or (tuple(shape_of(layer.weight)[2:]), layer.geometry)


class _Lane:
    """Runs the graph on the inputs of one lane, and adds up what the layers read."""

    def __init__(self, graph: GraphModule, readers: dict[Node, dict[Hashable, Layer]]) -> None:
        self.sums: dict[tuple[Node, Hashable], _Waiting] = {}
        self._readers = readers
        self.visit = Visitor(graph, set(readers), self._add).visit

    def _add(self, node: Node, value: Tensor) -> None:
        if value.element_size() < 4:
            value = value.float()  # products of float16 and bfloat16 are not exact enough
        for reading, layer in self._readers[node].items():
            if (node, reading) not in self.sums:
                self.sums[node, reading] = _Waiting(layer, value)
            self.sums[node, reading].add(value)


class _Once:
    """Returns the moments of all lanes, and deletes their sums."""

    def __init__(self, lanes: Sequence[_Waiting | None]) -> None:
        self._lanes = [lane for lane in lanes if lane is not None]
        self._moments: Moments | None = None

    def __call__(self) -> Moments:
        if self._moments is None:
            with torch.inference_mode():  # the sums were made in it
                parts = []
                while self._lanes:
                    parts.append(self._lanes.pop(0).counted())
                self._moments = _joined(parts)
        return self._moments


def _joined(parts: Sequence[tuple[int, Moments]]) -> Moments:
    """Return the moments of all rows from those of parts, with their numbers of rows.

    This is the pairwise update of Chan, Golub and LeVeque (1979).
    """
    count, found = parts[0]
    mean, covariance = found.mean, found.covariance
    for more, other in parts[1:]:
        share = more / (count + more)
        apart = other.mean - mean
        covariance.mul_(1 - share).add_(other.covariance, alpha=share)
        covariance.addcmul_(apart[:, :, None], apart[:, None, :], value=share * (1 - share))
        mean = mean + share * apart
        count += more
    return Moments(mean, covariance)


class _Waiting:
    """Keeps what a layer reads until it is enough to be added up in one product.

    Adding a product takes as long as multiplying hundreds of rows.
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

    def counted(self) -> tuple[int, Moments]:
        """Return the number of rows and their moments; nothing can be added afterwards."""
        if self.values:
            self._add_up()
        return self.sums.count, Moments(*self.sums.mean_and_covariance())


class _RowSums:
    """Adds up rows minus `origin` [groups, inputs], about their mean: float32 sums suffice."""

    def __init__(self, layer: Layer, first: Tensor) -> None:
        self.layer = layer
        self.origin = input_rows(layer, first).mean(1)
        self.count = 0
        groups, inputs = self.origin.shape
        self.total = torch.zeros((groups, inputs), dtype=torch.float64)
        self.products = torch.zeros((groups, inputs, inputs))

    def add(self, value: Tensor) -> None:
        """Add the rows that the layer reads from a value."""
        shifted = input_rows(self.layer, value) - self.origin[:, None, :]
        self.count += shifted.shape[1]
        self.total += shifted.sum(1)
        for products, rows in zip(self.products, shifted, strict=True):
            add_self_product(products, rows)

    def mean_and_covariance(self) -> tuple[Tensor, Tensor]:
        """Return both as in `Moments`; nothing can be added afterwards."""
        mean = self.total / self.count
        covariance = torch.stack([complete(products) for products in self.products])
        del self.products
        covariance /= self.count
        covariance.addcmul_(mean[:, :, None], mean[:, None, :], value=-1)
        return mean + self.origin, covariance


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
