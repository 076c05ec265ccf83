"""Measure layers and plans of precision "auto" with the workers of a Ray cluster.

The graph is sent to each node once, and a plan as the graph to which it is applied. Every photo
gets the same numbers as in one process, and they are added up in the order of the photos.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.fx import GraphModule

from hvit_edge.cache.entry import Entry
from hvit_edge.cache.packed_graph import DIGESTED, pack, unpack
from hvit_edge.quantize.calibration import Calibration
from hvit_edge.quantize.layers import Layer, find_layers
from hvit_edge.quantize.rounded_layers import RoundedLayer
from hvit_edge.quantize.sensitivity import MOST_INPUTS, Sensitivity, measure_sensitivity
from hvit_edge.ray.cluster import Cluster
from hvit_edge.ray.pool import Pool

if TYPE_CHECKING:
    from hvit_edge.compiler.mixed import Measured

SHARES = 4
"""Number of calls for each worker, so that a slow one delays the others less."""


@dataclass(frozen=True)
class _Layers:
    """Asks for the sensitivities of layers in a precision."""

    names: tuple[str, ...]
    precision: str
    rounded: Mapping[str, RoundedLayer]

    def answer(self, worker: _Worker) -> list[Sensitivity]:
        layers = [layer for layer in worker.layers if layer.name in self.names]
        inputs = [(torch.from_numpy(array),) for array in worker.calibration]
        return measure_sensitivity(
            worker.graph, layers, inputs, None, precision=self.precision, rounded=self.rounded
        )


@dataclass(frozen=True)
class _Plan:
    """Asks for the scores of photos with a graph."""

    graph: Entry
    places: Sequence[int]

    def answer(self, worker: _Worker) -> list[float]:
        return worker.measured.scores(unpack(self.graph, operators=DIGESTED), self.places)


class _Worker:
    """Has what every call needs."""

    def __init__(self, graph: Entry, calibration: list[np.ndarray], measured: Measured) -> None:
        self.graph = unpack(graph)
        self.layers = find_layers(self.graph)
        self.calibration, self.measured = calibration, measured


@dataclass(frozen=True)
class _Make:
    """Makes the function of a worker."""

    graph: Entry
    calibration: list[np.ndarray]
    measured: Measured
    threads: int

    def __call__(self) -> Callable[[Any], Any]:
        torch.set_num_threads(self.threads)
        worker = _Worker(self.graph, self.calibration, self.measured)
        return lambda asked: asked.answer(worker)


@dataclass(frozen=True)
class Spread:
    """Measures sensitivities and plans with a pool of workers."""

    pool: Pool
    calls: int
    photos: int

    def sensitivities(
        self,
        layers: Sequence[Layer],
        precision: str,
        rounded: Mapping[str, RoundedLayer],
        add: Callable[[Sensitivity], None],
    ) -> None:
        """Measure layers, see `quantize.search.Measuring`."""
        asked = []
        for part in _parts(len(layers), self.calls):
            own = [layers[place] for place in part]
            weights = {x.node.name: rounded[x.node.name] for x in own if x.node.name in rounded}
            asked.append(_Layers(tuple(layer.name for layer in own), precision, weights))
        for found in self.pool.map(asked, [f"layers {each.names[0]} ..." for each in asked]):
            for one in found:
                add(one)

    def top1(self, graph: GraphModule) -> float:
        """Return how right the answers of a graph are, see `Measured.top1`."""
        packed = pack(graph, operators=DIGESTED)
        asked = [_Plan(packed, part) for part in _parts(self.photos, self.calls)]
        scores = [score for found in self.pool.map(asked) for score in found]
        return float(np.mean(scores))


@contextmanager
def spread_over(
    cluster: Cluster | None, graph: GraphModule, calibration: Calibration, measured: Measured
) -> Iterator[Spread | None]:
    """Start workers for a search; without a cluster there are none.

    Args:
        cluster: the cluster.
        graph, calibration: as of `quantize.search.search`.
        measured: measures plans.
    """
    if cluster is None:
        yield None
        return
    inputs = [np.asarray(array) for array in calibration.inputs[:MOST_INPUTS]]
    make = _Make(pack(graph), inputs, measured, cluster.cores)
    with cluster.open(make) as pool:
        yield Spread(pool, SHARES * cluster.workers, len(measured.inputs))


def _parts(count: int, parts: int) -> list[range]:
    """Return the numbers below `count` in at most `parts` ranges of about the same length."""
    ends = [count * part // parts for part in range(parts + 1)]
    return [range(*pair) for pair in zip(ends, ends[1:], strict=False) if pair[0] < pair[1]]
