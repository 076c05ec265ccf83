"""Cut a graph into segments that the native backend runs and the operators between them.

    x -> [segment 0] -> an operator outside -> [segment 1] -> y

A segment has one input and one output, both float32. Several values enter and leave side by side.

    a, b -> reshape [1, n] -> cat -> segment -> slice -> reshape -> c, d
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch.fx import Graph, GraphModule, Node

from hvit_edge.lowering.graph import aten, is_constant, shape_of

OUTSIDE = -1
"""The stage of values that exist before the first segment."""


@dataclass(frozen=True)
class Segment:
    """Holds the operators that run in one delegate.

    Attributes:
        nodes: the operators in the order of the graph, without constants.
        inputs: the nodes of the graph whose values enter.
        outputs: the nodes of the graph whose values leave.
    """

    nodes: tuple[Node, ...]
    inputs: tuple[Node, ...]
    outputs: tuple[Node, ...]


def spread(nodes: Sequence[Node], outside: Collection[Node]) -> set[Node]:
    """Return the operators that must be outside if `outside` are.

    Segments read and write only float32, so an operator is outside too if another dtype would enter
    or leave a segment. Boolean values stay inside a segment.
    """
    found = set(outside)
    while True:
        added = {node for node in nodes if node not in found and _crosses(node, found)}
        if not added:
            return found
        found |= added


def _crosses(node: Node, outside: Collection[Node]) -> bool:
    if not _is_operator(node):
        return False
    reads = [n for n in node.all_input_nodes if n.op == "placeholder" or n in outside]
    if any(_dtype(source) is not torch.float32 for source in reads):
        return True
    left = any(user in outside or user.op == "output" for user in node.users)
    return left and _dtype(node) is not torch.float32


def _dtype(node: Node) -> torch.dtype | None:
    made = node.meta.get("val")
    return made.dtype if isinstance(made, torch.Tensor) else None


def _is_operator(node: Node) -> bool:
    return node.op == "call_function"


def stages(nodes: Sequence[Node], outside: Collection[Node]) -> dict[Node, int]:
    """Return the segment of each operator inside; for one outside, the segment after
    which it runs.
    """
    stage: dict[Node, int] = {}
    for node in nodes:
        if node.op == "placeholder":
            stage[node] = OUTSIDE
        elif _is_operator(node):
            reads = [source for source in node.all_input_nodes if not is_constant(source)]
            if node in outside:
                stage[node] = max((stage[source] for source in reads), default=OUTSIDE)
            else:
                later = [stage[source] + _is_out(source, outside) for source in reads]
                stage[node] = max(later, default=0)
    return stage


def _is_out(node: Node, outside: Collection[Node]) -> bool:
    return node.op == "placeholder" or node in outside


def segments(
    nodes: Sequence[Node], outside: Collection[Node], stage: dict[Node, int]
) -> Iterator[Segment]:
    """Yield the segments of a graph in the order in which they run."""
    for number in range(1 + max(stage.values(), default=OUTSIDE)):
        own = [n for n in nodes if stage.get(n) == number and not _is_out(n, outside)]
        inside = set(own)
        reads = [source for n in own for source in n.all_input_nodes if not is_constant(source)]
        inputs = dict.fromkeys(source for source in reads if source not in inside)
        outputs = [n for n in own if any(user not in inside for user in n.users)]
        if own:
            yield Segment(tuple(own), tuple(inputs), tuple(outputs))


def graph_of(graph: GraphModule, segment: Segment) -> tuple[GraphModule, dict[Node, Node]]:
    """Return a segment as a graph with one input and one output, and the original of each node."""
    copy = Graph()
    source = copy.placeholder("x")
    source.meta["val"] = side_by_side(segment.inputs)
    call = caller(copy)
    known = dict(zip(segment.inputs, parted(call, source, segment.inputs), strict=True))

    def there(node: Node) -> Node:
        if node not in known:
            known[node] = copy.node_copy(node, there)
        return known[node]

    for node in segment.nodes:
        there(node)
    copy.output((joined(call, [known[node] for node in segment.outputs]),))
    return GraphModule(graph, copy), {there: node for node, there in known.items()}


Call = Callable[..., Node]


def caller(graph: Graph) -> Call:
    """Return a function that appends a call of an operator, with its shape."""

    def call(operator: torch._ops.OpOverload, *args: object) -> Node:
        node = graph.call_function(operator, args)
        node.meta["val"] = operator(*torch.fx.map_arg(args, lambda n: n.meta["val"]))
        return node

    return call


def side_by_side(nodes: Sequence[Node]) -> torch.Tensor:
    """Return a tensor without memory that has the shape of one value or of several side by side."""
    shapes = [shape_of(node) for node in nodes]
    if len(shapes) == 1:
        return torch.empty(shapes[0], device="meta")
    return torch.empty([1, sum(map(math.prod, shapes))], device="meta")


def joined(call: Call, nodes: Sequence[Node]) -> Node:
    """Append the operators that join several values side by side; a single value is unchanged."""
    if len(nodes) == 1:
        return nodes[0]
    flat = [call(aten.reshape.default, node, [1, math.prod(shape_of(node))]) for node in nodes]
    return call(aten.cat.default, flat, 1)


def parted(call: Call, whole: Node, like: Sequence[Node]) -> list[Node]:
    """Append the operators that split values again, in the shapes of `like`."""
    if len(like) == 1:
        return [whole]
    parts, start = [], 0
    for node in like:
        shape = shape_of(node)
        end = start + math.prod(shape)
        part = call(aten.slice.Tensor, whole, 1, start, end)
        parts.append(call(aten.reshape.default, part, shape))
        start = end
    return parts
