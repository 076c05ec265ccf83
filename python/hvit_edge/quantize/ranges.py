"""Choose the range of an activation by the error that it causes.

The candidates are the smallest and largest value seen (min-max), percentiles, and a grid of
narrower ranges (MSE). Every candidate contains zero, so that padding and zeros stay exact. The
error is the mean square over the histogram of all calibration values, measured after the activation
function that follows: where SiLU is flat, no resolution is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from torch.fx import GraphModule, Node

from hvit_edge.errors import InputError
from hvit_edge.lowering.graph import aten, module_path, only_user
from hvit_edge.progress import Wrap, silent
from hvit_edge.quantize.half import HalfStorage
from hvit_edge.quantize.histogram import GrowingHistogram, Histogram

QMIN, QMAX = -128, 127
PERCENTILES = (1e-5, 1e-4, 1e-3)
SHRINKS = tuple(1 - 0.04 * step for step in range(20))
SMALLEST_SCALE = 2.0**-30
METHODS = ("minmax", "percentile", "mse")

OWN_NAMESPACES = ("hvit_edge", "quantized_decomposed")
NEED_STRIDES = ("view", "_unsafe_view", "as_strided", "view_as_complex", "view_as_real")

FOLLOWING = {
    aten.relu.default: torch.relu,
    aten.silu.default: torch.nn.functional.silu,
    aten.gelu.default: torch.nn.functional.gelu,
}


@dataclass(frozen=True)
class Range:
    """Maps int8 q, from -128 to 127, to `x = scale * (q - zero_point)`."""

    scale: float
    zero_point: int

    @classmethod
    def spanning(cls, low: float, high: float) -> Range:
        """Return the range from `low` to `high`, widened to contain zero."""
        low, high = min(low, 0.0), max(high, 0.0)
        scale = max((high - low) / (QMAX - QMIN), SMALLEST_SCALE)
        zero_point = round(QMIN - low / scale)
        return cls(scale, max(QMIN, min(QMAX, zero_point)))


def observe(
    graph: GraphModule,
    nodes: Iterable[Node],
    inputs: Sequence[tuple[torch.Tensor, ...]],
    progress: Wrap = silent,
) -> dict[Node, Histogram]:
    """Return histograms of the values of `nodes` over all `inputs`, in one pass.

    Raises:
        InputError: a value is infinite or NaN.
    """
    seen = {node: GrowingHistogram() for node in nodes}

    def add(node: Node, value: torch.Tensor) -> None:
        if not bool(torch.isfinite(value).all()):
            raise InputError(
                f"[calibration] {module_path(node) or node.name}: expected finite values on the"
                " calibration data, got infinity or NaN; correct the data, or compile in fp32"
            )
        seen[node].add(value)

    visit(graph, set(seen), progress(inputs, len(inputs)), add)
    return {node: histogram.histogram() for node, histogram in seen.items()}


def visit(
    graph: GraphModule,
    wanted: set[Node],
    inputs: Iterable[tuple[torch.Tensor, ...]],
    call: Callable[[Node, torch.Tensor], None],
) -> None:
    """Run the graph on each input and pass the value of each wanted node to `call`.

    Values may have any memory format.
    """
    visitor = Visitor(graph, wanted, call)
    for arguments in inputs:
        visitor.visit(arguments)


class Visitor(HalfStorage):
    """Runs a graph, and passes the values of nodes to a function, see `visit`."""

    def __init__(
        self, graph: GraphModule, wanted: set[Node], call: Callable[[Node, torch.Tensor], None]
    ) -> None:
        super().__init__(graph)
        self._wanted, self._call = wanted, call
        self._arrange = _channels_last if _takes_any_layout(graph) else list

    def visit(self, arguments: Iterable[torch.Tensor]) -> None:
        """Run the graph on one input."""
        with torch.inference_mode():
            self.run(*self._arrange(arguments))

    def run_node(self, node: Node) -> object:
        result = super().run_node(node)
        if node in self._wanted:
            self._call(node, result)
        return result


def _takes_any_layout(graph: GraphModule) -> bool:
    """Return True if no operator of the graph depends on the strides of what it reads."""
    operators = {node.target for node in graph.graph.nodes if node.op == "call_function"}
    return all(
        isinstance(operator, torch._ops.OpOverload)
        and operator.namespace in ("aten", *OWN_NAMESPACES)
        and operator._opname not in NEED_STRIDES
        for operator in operators
    )


def _channels_last(arguments: Iterable[torch.Tensor]) -> list[torch.Tensor]:
    """Return maps with their channels last in memory, which makes convolutions faster."""
    form = torch.channels_last
    return [x.contiguous(memory_format=form) if x.dim() == 4 else x for x in arguments]


def choose_range(
    histogram: Histogram,
    following: Callable[[torch.Tensor], torch.Tensor] | None = None,
    methods: Sequence[str] = METHODS,
) -> Range:
    """Return the candidate with the least error; of equal ones, the first."""
    if histogram.high <= histogram.low:
        return Range.spanning(histogram.low, histogram.high)
    candidates = _candidates(histogram, methods)
    errors = [_error(histogram, candidate, following) for candidate in candidates]
    return candidates[min(range(len(errors)), key=errors.__getitem__)]


def following_activation(node: Node) -> Callable[[torch.Tensor], torch.Tensor] | None:
    """Return the activation function that is the only reader of `node`, or None."""
    user = only_user(node)
    return FOLLOWING.get(user.target) if user is not None else None


def _candidates(histogram: Histogram, methods: Sequence[str]) -> list[Range]:
    ends = [(histogram.low, histogram.high)]
    if "percentile" in methods:
        ends += [_percentiles(histogram, outside) for outside in PERCENTILES]
    if "mse" in methods:
        ends += [(histogram.low * a, histogram.high * b) for a in SHRINKS for b in SHRINKS]
    return list(dict.fromkeys(Range.spanning(low, high) for low, high in ends))


def _percentiles(histogram: Histogram, outside: float) -> tuple[float, float]:
    share = histogram.counts.cumsum(0) / histogram.counts.sum()
    centers = histogram.centers
    low = centers[int((share < outside).sum())]
    high = centers[min(int((share < 1 - outside).sum()), len(centers) - 1)]
    return float(low), float(high)


def _error(
    histogram: Histogram,
    candidate: Range,
    following: Callable[[torch.Tensor], torch.Tensor] | None,
) -> float:
    values = histogram.centers
    steps = (values / candidate.scale).round() + candidate.zero_point
    rounded = candidate.scale * (steps.clamp(QMIN, QMAX) - candidate.zero_point)
    if following is not None:
        values, rounded = following(values), following(rounded)
    return float((histogram.counts * (values - rounded) ** 2).sum())
