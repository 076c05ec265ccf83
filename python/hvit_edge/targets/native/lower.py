"""Lower a graph to an ExecuTorch program that calls the native backend, once or several times."""

from __future__ import annotations

import torch
from executorch.exir import to_edge
from torch import nn
from torch.fx import GraphModule

from hvit_edge.lowering.fast_decompositions import fast_decompositions
from hvit_edge.lowering.graph import shape_of
from hvit_edge.lowering.plain_layout import plain, store_plainly
from hvit_edge.targets.delegate import COMPILE_CONFIG, Lowered
from hvit_edge.targets.kernelless import write_out_kernelless
from hvit_edge.targets.native.delegate_call import delegate_of
from hvit_edge.targets.native.fallback import lower_in_segments
from hvit_edge.targets.native.graph_plan import (
    LOWERINGS,
    Plan,
    plan_graph,
    records_of,
    try_plan,
    write_out_rest,
)
from hvit_edge.targets.native.values import Number


class _Call(nn.Module):
    """Calls the backend once."""

    def __init__(self, lowered: nn.Module) -> None:
        super().__init__()
        self.lowered = lowered

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return self.lowered(*inputs)


def lower(
    graph: GraphModule,
    example_inputs: tuple[torch.Tensor, ...],
    number: Number = Number.FLOAT32,
    *,
    whole: bool = True,
) -> Lowered:
    """Lower `graph` for the native backend.

    Args:
        graph: a graph that was rewritten by `NATIVE_PIPELINE`.
        example_inputs: tensors of the program's fixed shapes.
        number: the number type that the program computes in, except in int8 layers. Inputs and
            outputs are float32.
        whole: if True, the backend must run everything, in one call. If False, operators that it
            refuses are left to ExecuTorch's portable kernels, between several calls, and each of
            them is in `ops_outside`.

    Raises:
        LoweringError: `whole` is True and the backend does not run some operators, which are all
            named.
    """
    store_plainly(graph)
    inputs = tuple(map(plain, example_inputs))
    if not whole:
        write_out_rest(graph)
    plan = plan_graph(graph, number) if whole else try_plan(graph, number)
    with fast_decompositions():
        if not isinstance(plan, Plan):
            write_out_kernelless(graph, LOWERINGS)
            return lower_in_segments(graph, inputs, number)
        shapes = [shape_of(output) for output in graph.graph.output_node().args[0]]
        call = _Call(delegate_of(plan.data, inputs, shapes))
        edge = to_edge(torch.export.export(call, inputs), compile_config=COMPILE_CONFIG)
    return Lowered(edge, 1, [], plan.nodes, records_of(plan))
