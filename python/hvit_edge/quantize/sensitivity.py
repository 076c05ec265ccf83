"""Measure the error of the network's output if one layer computes in lower precision.

    noise = E |f_l(x) - f(x)|^2,    f the float network, f_l the same with layer l in lower
                                    precision, summed over the logits, mean over the images

Errors of different layers are nearly independent, so the noise of several is about the sum of their
noises. Only the part of the network after a layer is run again for it: each image keeps the values
that are alive before the layer, and they advance from layer to layer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.fx import GraphModule, Node

from hvit_edge.errors import InputError
from hvit_edge.lowering.graph import constant_tensor, is_constant
from hvit_edge.progress import Wrap, silent
from hvit_edge.quantize.layers import Layer
from hvit_edge.quantize.moments import Moments
from hvit_edge.quantize.plan import layer_alone, possible_precisions, set_precisions
from hvit_edge.quantize.rounded_layers import RoundedLayer, round_layers
from hvit_edge.quantize.sqnr import sqnr

MOST_INPUTS = 32

Values = dict[Node, Tensor]


@dataclass(frozen=True)
class Sensitivity:
    """Holds the effect of one layer in lower precision on the logits.

    Attributes:
        layer: the layer's name.
        precision: "int8" or "fp16".
        noise: energy of the logits' error, mean over the images; infinite if it overflows.
        sqnr_db: energy of all logits over the energy of their errors, in dB.
        agreement: share of the images that keep their top class, 0 to 1.
    """

    layer: str
    precision: str
    noise: float
    sqnr_db: float
    agreement: float


def measure_sensitivity(
    graph: GraphModule,
    layers: Sequence[Layer],
    inputs: Sequence[tuple[Tensor, ...]],
    moments: Mapping[str, Moments] | None,
    *,
    precision: str = "int8",
    rounded: Mapping[str, RoundedLayer] | None = None,
    done: Iterable[Sensitivity] = (),
    on_layer: Callable[[Sensitivity], None] = lambda found: None,
    progress: Wrap = silent,
) -> list[Sensitivity]:
    """Measure each of `layers` by itself in `precision`; equal inputs give equal numbers.

    Args:
        graph: a rewritten float32 graph with one output; it is not changed.
        layers: layers of `find_layers(graph)`, in graph order.
        inputs: tuples of the graph's input tensors; the first 32 are used.
        moments: from `input_moments`, for `layers`; None rounds each weight to the nearest step.
        precision: "int8" or "fp16".
        rounded: from `round_layers`, for `layers`, in place of `moments`.
        done: results that are known already; their layers are skipped.
        on_layer: called with each new result.
        progress: wraps the loop over the layers that are left.

    Returns:
        One result for each of `layers`, in their order.

    Raises:
        InputError: there are no inputs, or a layer cannot have the precision.
    """
    _check(layers, inputs, precision)
    known = {found.layer: found for found in done if found.precision == precision}
    left = [layer for layer in layers if layer.name not in known]
    if left:
        if moments is not None and precision == "int8":
            rounded = round_layers(graph, left, moments)
        with torch.inference_mode():
            sweep = _Sweep(graph, inputs[:MOST_INPUTS])
            for layer in progress(left, len(left)):
                found = sweep.measure(layer, precision, rounded)
                known[layer.name] = found
                on_layer(found)
    return [known[layer.name] for layer in layers]


def _check(layers: Sequence[Layer], inputs: Sequence[object], precision: str) -> None:
    if not inputs:
        raise InputError("[sensitivity] expected calibration inputs, got none; pass some")
    wrong = [layer.name for layer in layers if precision not in possible_precisions(layer)]
    if wrong:
        raise InputError(
            f"[sensitivity] expected layers that can be {precision}, got {', '.join(wrong)};"
            " leave them out"
        )


class _Sweep:
    """Holds the values of the images before one layer after another."""

    def __init__(self, graph: GraphModule, inputs: Sequence[tuple[Tensor, ...]]) -> None:
        self._graph = graph
        self._runner = _Runner(graph)
        self._place = 0
        self._images = [self._runner.start(arguments) for arguments in inputs]
        ends = [self._runner.finish(values, 0) for values in self._images]
        self._expected = np.concatenate(ends)

    def measure(
        self, layer: Layer, precision: str, rounded: Mapping[str, RoundedLayer] | None
    ) -> Sensitivity:
        place = self._runner.place_of(layer.node)
        for values in self._images:
            self._runner.run(values, self._place, place)
        self._place = place
        lowered = _lowered(self._graph, layer, precision, rounded)
        actual = np.concatenate([self._outcome(layer, lowered, v) for v in self._images])
        return _compare(layer.name, precision, self._expected, actual)

    def _outcome(self, layer: Layer, lowered: GraphModule, values: Values) -> np.ndarray:
        result = {layer.output: lowered(values[layer.source])}
        known = {layer.node, layer.output}
        return self._runner.finish({**values, **result}, self._place, known)


def _lowered(
    graph: GraphModule, layer: Layer, precision: str, rounded: Mapping[str, RoundedLayer] | None
) -> GraphModule:
    """Return `layer` in `precision` as a graph, from its input to the output of its ReLU."""
    module, alone = layer_alone(graph, layer)
    known = None
    if rounded is not None and precision == "int8":
        known = {alone.node.name: rounded[layer.node.name]}
    set_precisions(module, [alone], {alone.name: precision}, known)
    module.recompile()
    return module


def _compare(layer: str, precision: str, expected: np.ndarray, actual: np.ndarray) -> Sensitivity:
    errors = (actual.astype(np.float64) - expected.astype(np.float64)) ** 2
    noise = float(errors.sum() / len(errors))
    return Sensitivity(
        layer=layer,
        precision=precision,
        noise=noise if math.isfinite(noise) else math.inf,
        sqnr_db=sqnr(expected, actual),
        agreement=float((expected.argmax(-1) == actual.argmax(-1)).mean()),
    )


class _Runner:
    """Runs parts of a graph; values that no later node reads are dropped."""

    def __init__(self, graph: GraphModule) -> None:
        nodes = list(graph.graph.nodes)
        self._places = {node: place for place, node in enumerate(nodes)}
        self._constants = {n: constant_tensor(graph, n) for n in nodes if is_constant(n)}
        self._inputs = [node for node in nodes if node.op == "placeholder"]
        self._result = next(n for n in nodes if n.op == "output").all_input_nodes[0]
        self._nodes = nodes
        last_reader = {n: reader for reader in nodes for n in reader.all_input_nodes}
        self._over: dict[Node, list[Node]] = {}
        for node, reader in last_reader.items():
            self._over.setdefault(reader, []).append(node)

    def place_of(self, node: Node) -> int:
        return self._places[node]

    def start(self, arguments: tuple[Tensor, ...]) -> Values:
        return dict(zip(self._inputs, arguments, strict=True))

    def run(
        self, values: Values, first: int, last: int, known: Container[Node] = frozenset()
    ) -> None:
        """Run the nodes from place `first` to before `last` on `values`, except those
        in `known`.
        """
        for node in self._nodes[first:last]:
            if node.op == "call_function" and node not in known:
                read = self._reader(values)
                args = torch.fx.map_arg(node.args, read)
                values[node] = node.target(*args, **torch.fx.map_arg(node.kwargs, read))
            for passed in self._over.get(node, ()):
                values.pop(passed, None)

    def finish(
        self, values: Values, first: int, known: Container[Node] = frozenset()
    ) -> np.ndarray:
        """Return the graph's output, from a copy of `values`, which are those before
        place `first`.
        """
        values = dict(values)
        self.run(values, first, self._places[self._result] + 1, known)
        return values[self._result].numpy()

    def _reader(self, values: Values) -> Callable[[Node], Tensor]:
        return lambda node: self._constants[node] if node in self._constants else values[node]
