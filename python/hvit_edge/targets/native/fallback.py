"""Leave operators that the native backend refuses to ExecuTorch's portable kernels."""

from __future__ import annotations

import operator

import torch
from executorch.exir import to_edge
from torch import nn
from torch.fx import Graph, GraphModule, Node

from hvit_edge.lowering.graph import constant_tensor, module_path
from hvit_edge.targets.custom_operators import check_namespaces
from hvit_edge.targets.delegate import COMPILE_CONFIG, Lowered
from hvit_edge.targets.lowered_program import OutsideOp
from hvit_edge.targets.native.delegate_call import delegate_of
from hvit_edge.targets.native.graph_plan import Plan, records_of, try_plan
from hvit_edge.targets.native.refusals import Refusal, refuse_all
from hvit_edge.targets.native.segments import (
    Segment,
    caller,
    graph_of,
    joined,
    parted,
    segments,
    side_by_side,
    spread,
    stages,
)
from hvit_edge.targets.native.values import Number

BESIDE_OTHERS = "it has values that are not float32, beside an operator that is outside"


class _Cut:
    """Cuts a graph into segments that are planned, with the operators `outside` between them."""

    def __init__(self, graph: GraphModule, number: Number) -> None:
        self.graph, self.number = graph, number
        self.nodes = list(graph.graph.nodes)
        self.reasons: dict[Node, str] = {}
        while not self._plan():
            pass

    def _plan(self) -> bool:
        """Plan all segments; return False if a segment refused operators, which are
        outside then.
        """
        self.outside = spread(self.nodes, self.reasons)
        self.stage = stages(self.nodes, self.outside)
        self.segments = list(segments(self.nodes, self.outside, self.stage))
        self.plans: list[Plan] = []
        known = len(self.reasons)
        for segment in self.segments:
            graph, originals = graph_of(self.graph, segment)
            plan = try_plan(graph, self.number)
            if isinstance(plan, Plan):
                self.plans.append(plan)
            else:
                self._leave(plan, originals)
        return len(self.reasons) == known

    def _leave(self, refusals: list[Refusal], originals: dict[Node, Node]) -> None:
        left = [refusal for refusal in refusals if refusal.node in originals]
        if not left:
            raise refuse_all(refusals)
        for refusal in left:
            self.reasons.setdefault(
                originals[refusal.node], f"the native backend does not run {refusal.what}"
            )

    def operators_outside(self) -> list[OutsideOp]:
        return [
            OutsideOp(str(node.target), module_path(node), self.reasons.get(node, BESIDE_OTHERS))
            for node in self.nodes
            if node in self.outside and node.target is not operator.getitem
        ]


def lower_in_segments(
    graph: GraphModule, inputs: tuple[torch.Tensor, ...], number: Number
) -> Lowered:
    """Lower what the native backend runs, and leave the rest to the portable kernels.

    Args:
        graph: a rewritten graph with any inputs and outputs.
        inputs: tensors of the program's fixed shapes.
        number: the number type that segments compute in, except in int8 layers.

    Raises:
        LoweringError: a user registered an operator, for which no runtime has a kernel.
    """
    check_namespaces(graph)
    cut = _Cut(graph, number)
    edge = to_edge(torch.export.export(_program(cut), inputs), compile_config=COMPILE_CONFIG)
    operators = [
        node
        for node in cut.nodes
        if node.op == "call_function" and node.target is not operator.getitem
    ]
    records = tuple(record for plan in cut.plans for record in records_of(plan))
    return Lowered(edge, len(cut.plans), cut.operators_outside(), len(operators), records)


def _program(cut: _Cut) -> GraphModule:
    """Return the module that calls the delegates and the operators between them."""
    graph = Graph()
    attributes: dict[str, object] = {}
    known: dict[Node, Node] = {}

    def there(node: Node) -> Node:
        if node not in known:
            known[node] = graph.node_copy(node, there)
            if node.op == "get_attr":
                attributes[str(node.target)] = constant_tensor(cut.graph, node)
        return known[node]

    for node in cut.nodes:
        if node.op == "placeholder":
            there(node)
    last = max(cut.stage.values(), default=-1)
    number = {min(cut.stage[n] for n in s.nodes): i for i, s in enumerate(cut.segments)}
    for stage in range(-1, last + 1):
        if stage in number:
            index = number[stage]
            name, segment = f"segment_{index}", cut.segments[index]
            attributes[name] = _delegate(segment, cut.plans[index])
            _call_segment(graph, name, segment, known)
        for node in cut.nodes:
            if node in cut.outside and cut.stage[node] == stage:
                there(node)
    (results,) = cut.nodes[-1].args
    graph.output(torch.fx.map_arg(results, there))
    return GraphModule(attributes, graph)


def _delegate(segment: Segment, plan: Plan) -> nn.Module:
    source = torch.zeros(side_by_side(segment.inputs).shape)
    return delegate_of(plan.data, (source,), [side_by_side(segment.outputs).shape])


def _call_segment(graph: Graph, name: str, segment: Segment, known: dict[Node, Node]) -> None:
    call = caller(graph)
    source = joined(call, [known[node] for node in segment.inputs])
    whole = graph.call_function(operator.getitem, (graph.call_module(name, (source,)), 0))
    whole.meta["val"] = side_by_side(segment.outputs)
    known.update(zip(segment.outputs, parted(call, whole, segment.outputs), strict=True))
