"""Lower a graph to an ExecuTorch program that calls the native backend, once or several times.

ExecuTorch's compiler is imported only for a program that it has to make, with several calls.
"""

from __future__ import annotations

import torch
from torch.fx import GraphModule

from hvit_edge.artifact.calls import NATIVE_BACKEND
from hvit_edge.artifact.write_program import DelegateMethod, TensorForm
from hvit_edge.boundary.executorch_compiler import import_compiler
from hvit_edge.lowering.graph import shape_of
from hvit_edge.lowering.patches import fast_decompositions
from hvit_edge.lowering.plain_layout import plain, store_plainly
from hvit_edge.targets.lowered_program import LoweredProgram
from hvit_edge.targets.native.constant_pool import ConstantPool
from hvit_edge.targets.native.graph_plan import (
    LOWERINGS,
    Plan,
    plan_graph,
    records_of,
    try_plan,
    write_out_rest,
)
from hvit_edge.targets.native.program import NativeProgram
from hvit_edge.targets.native.refusals import NEEDS, refuse_all
from hvit_edge.targets.native.values import Number
from hvit_edge.targets.refusals import check_flat


def lower(
    graph: GraphModule,
    example_inputs: tuple[torch.Tensor, ...],
    number: Number = Number.FLOAT32,
    *,
    whole: bool = True,
    pool: ConstantPool | None = None,
) -> LoweredProgram:
    """Lower `graph` for the native backend.

    Args:
        graph: a graph that was rewritten by `NATIVE_PIPELINE`.
        example_inputs: tensors of the program's fixed shapes.
        number: the number type that the program computes in, except in int8 layers. Inputs and
            outputs are float32.
        whole: if True, the backend must run everything, in one call. If False, operators that it
            refuses are left to ExecuTorch's portable kernels, between several calls, and each of
            them is in `ops_outside`.
        pool: the constants of the methods that were lowered before for the same artifact. The
            backend must then run everything in one call.

    Raises:
        LoweringError: `whole` is True and the backend does not run some operators, which are all
            named; or an operator contains a graph.
    """
    check_flat(graph, NEEDS)
    store_plainly(graph)
    inputs = tuple(map(plain, example_inputs))
    if not whole:
        write_out_rest(graph)
    plan = plan_graph(graph, number, pool) if whole else try_plan(graph, number, pool)
    if not isinstance(plan, Plan):
        if pool is not None:
            raise refuse_all(plan)
        return _lower_in_segments(graph, inputs, number)
    method = DelegateMethod(
        name="forward",
        backend=NATIVE_BACKEND,
        payload=plan.data,
        inputs=tuple(TensorForm(tuple(x.shape), x.numpy().dtype.name) for x in inputs),
        outputs=tuple(TensorForm(tuple(shape_of(y))) for y in graph.graph.output_node().args[0]),
    )
    return NativeProgram(method, plan.nodes, records_of(plan))


def _lower_in_segments(
    graph: GraphModule, inputs: tuple[torch.Tensor, ...], number: Number
) -> LoweredProgram:
    """Let ExecuTorch make a program of several calls and the operators between them."""
    import_compiler()
    from hvit_edge.targets.kernelless import write_out_kernelless
    from hvit_edge.targets.native.fallback import lower_in_segments

    with fast_decompositions():
        write_out_kernelless(graph, LOWERINGS)
        return lower_in_segments(graph, inputs, number)
