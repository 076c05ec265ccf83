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

from hvit_edge.lowering.graph import shape_of
from hvit_edge.progress import Wrap, silent
from hvit_edge.quantize.lanes import LANES, in_lanes
from hvit_edge.quantize.layers import Layer
from hvit_edge.quantize.patch_sums import PatchSums, has_shared_rows
from hvit_edge.quantize.ranges import Visitor
from hvit_edge.quantize.row_sample import RowSample
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
        readers.setdefault(layer.source, {}).setdefault(rows_read(layer), layer)
    lanes = [_Lane(graph, readers, len(inputs)) for _ in range(LANES)]
    in_lanes(lambda lane, arguments: lanes[lane].visit(arguments), inputs, progress)
    waiting = {
        reading: _Once([lane.sums.pop(reading, None) for lane in lanes])
        for by_reading in readers.values()
        for reading in by_reading
    }
    return ReadOnce({layer.node.name: waiting[rows_read(layer)] for layer in layers})


def rows_read(layer: Layer) -> Hashable:
    """Return a key that is the same for all layers that cut the same rows out of the same input."""
    cut = layer.is_linear or (tuple(shape_of(layer.weight)[2:]), layer.geometry)
    return layer.source, cut


class _Lane:
    """Runs the graph on the inputs of one lane, and adds up what the layers read."""

    def __init__(
        self, graph: GraphModule, readers: dict[Node, dict[Hashable, Layer]], inputs: int
    ) -> None:
        self.sums: dict[Hashable, _Waiting] = {}
        self._readers, self._inputs = readers, inputs
        self.visit = Visitor(graph, set(readers), self._add).visit

    def _add(self, node: Node, value: Tensor) -> None:
        if value.element_size() < 4:
            value = value.float()  # products of float16 and bfloat16 are not exact enough
        for reading, layer in self._readers[node].items():
            if reading not in self.sums:
                self.sums[reading] = _Waiting(layer, self._inputs, value)
            self.sums[reading].add(value)


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

    def __init__(self, layer: Layer, inputs: int, first: Tensor) -> None:
        sample = RowSample(layer, inputs)
        shared = sample.step == 1 and has_shared_rows(layer)
        self.sums = PatchSums(layer, first) if shared else _RowSums(sample, first)
        self.values: list[Tensor] = []
        self.waiting = 0

    def add(self, value: Tensor) -> None:
        """Add the rows of a value, which must not change later."""
        kept, rows = self.sums.kept(value)
        self.values.append(kept)
        self.waiting += rows
        if self.waiting >= ENOUGH_ROWS:
            self._add_up()

    def _add_up(self) -> None:
        self.sums.add(self.values)
        self.values.clear()
        self.waiting = 0

    def counted(self) -> tuple[int, Moments]:
        """Return the number of rows and their moments; nothing can be added afterwards."""
        if self.values:
            self._add_up()
        return self.sums.count, Moments(*self.sums.mean_and_covariance())


class _RowSums:
    """Adds up rows minus `origin` [groups, 1, inputs], about their mean: float32 sums suffice."""

    def __init__(self, sample: RowSample, first: Tensor) -> None:
        self.origin = sample.first(first).mean(1, keepdim=True)
        self.sample = sample
        self.count = 0
        groups, _, inputs = self.origin.shape
        self.total = torch.zeros((groups, inputs), dtype=torch.float64)
        self.means, self.inputs = torch.zeros_like(self.total), 0
        self.products = torch.zeros((groups, inputs, inputs))

    def kept(self, value: Tensor) -> tuple[Tensor, int]:
        """Return what `add` reads of a value, and its number of rows."""
        shifted = self.sample.rows(value) - self.origin
        if self.sample.step > 1:
            self.means += self.sample.mean(value) - self.origin[:, 0]
            self.inputs += 1
        return shifted, shifted.shape[1]

    def add(self, parts: Sequence[Tensor]) -> None:
        """Add rows that `kept` returned."""
        shifted = torch.cat([*parts], 1) if len(parts) > 1 else parts[0]
        self.count += shifted.shape[1]
        self.total += shifted.sum(1)
        for products, rows in zip(self.products, shifted, strict=True):
            add_self_product(products, rows)

    def mean_and_covariance(self) -> tuple[Tensor, Tensor]:
        """Return both as in `Moments`; nothing can be added afterwards."""
        mean = self.total / self.count
        one, *others = (complete(products) for products in self.products)
        covariance = torch.stack([one, *others]) if others else one[None]
        del self.products
        covariance /= self.count
        covariance.addcmul_(mean[:, :, None], mean[:, None, :], value=-1)
        if self.inputs:
            mean = self.means / self.inputs
        return mean + self.origin[:, 0], covariance
