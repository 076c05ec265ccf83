"""Lower a graph that is one XNNPACK delegate without ExecuTorch's general lowering.

    graph -> edge form -> XNNPACK's partitioner, passes and visitors -> a program of one call

The general lowering traces a graph about forty times, because it must do for any graph what only
some need. A rewritten graph is in a known form and nearly always one delegate. The programs are the
same: `tests/targets/xnnpack/test_direct.py` compares them byte by byte.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from executorch.backends.xnnpack.xnnpack_preprocess import XnnpackBackend
from executorch.exir.lowered_backend_module import LoweredBackendModule
from torch.fx import GraphModule, Node
from torch.fx.graph import _PyTreeCodeGen
from torch.utils._pytree import TreeSpec, tree_structure

from hvit_edge.boundary.patched_version import EXECUTORCH
from hvit_edge.lowering.patches import lazy_code
from hvit_edge.lowering.plain_layout import store_plainly
from hvit_edge.targets.custom_operators import check_namespaces
from hvit_edge.targets.delegate import COMPILE_CONFIG, Lowered
from hvit_edge.targets.one_call import Call, program_of
from hvit_edge.targets.patches import type_hints_read_once
from hvit_edge.targets.xnnpack.edge_form import EdgeGraph, edge_form
from hvit_edge.targets.xnnpack.edge_program import EdgeProgram
from hvit_edge.targets.xnnpack.whole_delegate import delegated_constants, preprocess


def lower_directly(graph: GraphModule, example_inputs: tuple[torch.Tensor, ...]) -> Lowered | None:
    """Lower `graph`, if it is one delegate and nothing else.

    Args:
        graph: a rewritten graph; its constants are made contiguous in place.
        example_inputs: float32 tensors of the program's fixed shapes.

    Returns:
        The program; None if only the general lowering knows how the graph is lowered, or if another
        version of ExecuTorch than the patched one is installed.
    """
    if not EXECUTORCH.matches():  # it would be a guess what its general lowering writes
        return None
    check_namespaces(graph)
    store_plainly(graph)
    try:
        with lazy_code(), type_hints_read_once():
            return _lowered(graph, example_inputs)
    except Exception:  # no edge form, or XNNPACK refuses: the general lowering says which
        return None


def _lowered(graph: GraphModule, example_inputs: tuple[torch.Tensor, ...]) -> Lowered | None:
    edge = edge_form(graph)
    if not _is_called_with(edge, example_inputs):
        return None
    program = EdgeProgram(edge.graph, _in_order(edge.constants, graph), edge.inputs)
    stored = delegated_constants(program)
    if stored is None:
        return None
    call = _call(graph, edge, program, stored)
    operators = sum(node.op == "call_function" for node in program.graph.nodes)
    return Lowered(program_of(call, COMPILE_CONFIG), 1, [], operators)


def _in_order(constants: Mapping[str, torch.Tensor], graph: GraphModule) -> dict[str, torch.Tensor]:
    """Return constants in the order in which PyTorch exports them: parameters before buffers."""
    tensors = [*graph.parameters(), *graph.buffers()]
    order = {id(tensor): position for position, tensor in enumerate(tensors)}
    last = len(order)
    return dict(sorted(constants.items(), key=lambda entry: order.get(id(entry[1]), last)))


def _is_called_with(edge: EdgeGraph, example_inputs: tuple[torch.Tensor, ...]) -> bool:
    """Return True if the inputs of a graph have the shapes and dtypes of the example."""
    given = [(tensor.shape, tensor.dtype) for tensor in example_inputs]
    nodes = {node.name: node for node in edge.graph.find_nodes(op="placeholder")}
    values = [nodes[name].meta["val"] for name in edge.inputs]
    return given == [(value.shape, value.dtype) for value in values]


def _call(graph: GraphModule, edge: EdgeGraph, program: EdgeProgram, stored: set[str]) -> Call:
    """Serialize a program as one delegate, which stores the constants `stored`."""
    arguments = [name for name in _first_read(program) if name not in stored]
    delegated = program.copy(stored.__contains__, arguments)
    made = preprocess(delegated.copy())
    delegate = LoweredBackendModule(
        delegated, XnnpackBackend.__name__, made.processed_bytes, [], made.data_store_output
    )
    delegate.meta = {"debug_handle_map": made.debug_handle_map}
    results = delegated.graph.output_node().args[0]
    in_spec, out_spec = _specs(graph)
    return Call(
        delegate=delegate,
        inputs={node.name: node.meta["val"] for node in _inputs(program)},
        constants={name: t for name, t in program.state_dict.items() if name in arguments},
        arguments=arguments,
        results=[node.meta["val"] for node in results],
        outputs=edge.outputs,
        in_spec=in_spec,
        out_spec=out_spec,
    )


def _inputs(program: EdgeProgram) -> list[Node]:
    names = program.graph_signature.user_inputs
    return [node for node in program.graph.nodes if node.name in names]


def _first_read(program: EdgeProgram) -> list[str]:
    """Return the placeholders' names in the order in which operators read them."""
    reads = (source for node in program.graph.nodes for source in node.all_input_nodes)
    return [node.name for node in dict.fromkeys(reads) if node.op == "placeholder"]


def _specs(graph: GraphModule) -> tuple[TreeSpec, TreeSpec]:
    """Return how the inputs and the outputs of a graph are nested."""
    codegen = graph.graph._codegen
    if isinstance(codegen, _PyTreeCodeGen):
        return codegen.pytree_info.in_spec, codegen.pytree_info.out_spec
    inputs = tuple(node.name for node in graph.graph.find_nodes(op="placeholder"))
    results = torch.fx.map_arg(graph.graph.output_node().args[0], str)
    return tree_structure((inputs, {})), tree_structure(results)
