"""Compute the signal to quantization noise ratio of outputs and of layers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.fx import GraphModule, Node

from hvit_edge.errors import InputError
from hvit_edge.quantize.lanes import LANES, in_lanes
from hvit_edge.quantize.layers import find_layers
from hvit_edge.quantize.ranges import Visitor


def sqnr(expected: np.ndarray, actual: np.ndarray) -> float:
    """Return 10 log10 of the energy of `expected` over the energy of the difference, in dB.

    The result is infinite if the two are equal, and minus infinity if `actual` is not finite.

    Raises:
        InputError: the shapes differ.
    """
    if expected.shape != actual.shape:
        raise InputError(
            f"[sqnr] expected two arrays of one shape, got {list(expected.shape)} and"
            f" {list(actual.shape)}; compare outputs of the same model"
        )
    expected, actual = expected.astype(np.float64), actual.astype(np.float64)
    if not np.isfinite(actual).all():
        return -math.inf
    return decibel(float((expected**2).sum()), float(((expected - actual) ** 2).sum()))


def tensor_sqnr(expected: torch.Tensor, actual: torch.Tensor) -> float:
    """Return the `sqnr` of two tensors of one shape."""
    return sqnr(expected.double().numpy(), actual.double().numpy())


def centred_sqnr(expected: np.ndarray, actual: np.ndarray) -> float:
    """Return the `sqnr` after the mean over images, the first axis, was removed from
    both arrays.
    """
    return sqnr(expected - expected.mean(0), actual - actual.mean(0))


@dataclass(frozen=True)
class LayerSqnr:
    """Says how far a layer's output is from that of the float graph, in dB."""

    layer: str
    sqnr_db: float


def layer_sqnr(
    float_graph: GraphModule,
    quantised_graph: GraphModule,
    inputs: Sequence[tuple[torch.Tensor, ...]],
) -> list[LayerSqnr]:
    """Return the SQNR of every convolution and linear over all `inputs`, the worst first.

    If a ReLU follows a layer, the output of the ReLU is measured, because the delegate computes
    both together.

    Args:
        float_graph: from `reference_graph`.
        quantised_graph: the result of `quantize` for it.
        inputs: tuples of the graphs' input tensors.
    """
    pairs = dict(_pairs(float_graph, quantised_graph))
    lanes = [_LayerNoise(float_graph, quantised_graph, pairs) for _ in range(LANES)]
    rows = in_lanes(lambda lane, arguments: lanes[lane].measure(arguments), inputs)
    energy, noise = dict.fromkeys(pairs, 0.0), dict.fromkeys(pairs, 0.0)
    for row in rows:
        for name, (signal, error) in row.items():
            energy[name] += signal
            noise[name] += error
    listed = [LayerSqnr(name, decibel(energy[name], noise[name])) for name in pairs]
    return sorted(listed, key=lambda item: item.sqnr_db)


class _LayerNoise:
    """Measures the energy and the noise of the layers of a graph on one input after the other."""

    def __init__(
        self, float_graph: GraphModule, quantised_graph: GraphModule, pairs: dict[str, _Pair]
    ) -> None:
        self._expected: dict[Node, torch.Tensor] = {}
        self._found: dict[str, tuple[float, float]] = {}
        self._names = {pair.actual: name for name, pair in pairs.items()}
        self._pairs = pairs
        wanted = {pair.expected for pair in pairs.values()}
        self._float = Visitor(float_graph, wanted, self._expected.__setitem__)
        self._quantized = Visitor(quantised_graph, set(self._names), self._measure)

    def measure(self, arguments: tuple[torch.Tensor, ...]) -> dict[str, tuple[float, float]]:
        """Return the energy and the noise of each layer."""
        self._found = {}
        self._float.visit(arguments)
        self._quantized.visit(arguments)
        self._expected.clear()
        return self._found

    def _measure(self, node: Node, actual: torch.Tensor) -> None:
        name = self._names[node]
        value = self._expected[self._pairs[name].expected]
        self._found[name] = (_energy(value), _energy(value - actual))


def _energy(values: torch.Tensor) -> float:
    """Return the sum of squares; a float16 value or a square of it may not fit into float16."""
    return float(torch.linalg.vector_norm(values, dtype=torch.float64)) ** 2


@dataclass(frozen=True)
class _Pair:
    """Holds the nodes of one layer's output in two graphs."""

    expected: Node
    actual: Node


def _pairs(float_graph: GraphModule, quantised_graph: GraphModule) -> Iterator[tuple[str, _Pair]]:
    nodes = {node.name: node for node in quantised_graph.graph.nodes}
    for layer in find_layers(float_graph):
        if layer.node.name in nodes:
            output = nodes.get(layer.output.name, nodes[layer.node.name])
            yield layer.name, _Pair(layer.output, output)


def decibel(energy: float, noise: float) -> float:
    """Return 10 log10 of the ratio: infinite without noise, minus infinity without a signal."""
    if not math.isfinite(noise):
        return -math.inf
    if noise == 0:
        return math.inf
    return 10 * math.log10(energy / noise) if energy else -math.inf
