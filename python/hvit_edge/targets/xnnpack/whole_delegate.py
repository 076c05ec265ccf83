"""Serialize a graph of the edge dialect as one XNNPACK delegate, without tracing it.

XNNPACK's partitioner decides if the delegate takes every operator, and XNNPACK's passes and
visitors make its graph. After each change, a pass traces the graph to learn the shapes of all
values. Here they are computed on tensors without data, node by node, and passes for operators that
cannot be in the graph are left out.
"""

from __future__ import annotations

from executorch.backends.xnnpack import xnnpack_preprocess
from executorch.backends.xnnpack._passes.channels_last_tagged_reshape_pass import (
    ChannelsLastTaggedReshapePass,
)
from executorch.backends.xnnpack._passes.decompose_cat import DecomposeConcatenate
from executorch.backends.xnnpack._passes.fuse_activation_pass import FuseActivationPass
from executorch.backends.xnnpack._passes.remove_redundant_copy_pass import RemoveRedundantCopyPass
from executorch.backends.xnnpack._passes.xnnpack_pass import XNNPACKPass
from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
from executorch.backends.xnnpack.serialization.xnnpack_graph_schema import (
    ConstantDataOffset,
    XNNGraph,
)
from executorch.exir._serialize._named_data_store import NamedDataStore
from executorch.exir.backend.backend_details import PreprocessResult
from executorch.exir.backend.canonical_partitioners.config_partitioner import format_target_name
from executorch.exir.pass_base import PassResult, _ExportPassBase
from torch.export import ExportedProgram
from torch.fx import GraphModule, Node

from hvit_edge.targets.xnnpack.node_shapes import compute_shapes
from hvit_edge.targets.xnnpack.patches import passes_that_end_with

PASSES = (
    FuseActivationPass,
    DecomposeConcatenate,
    ChannelsLastTaggedReshapePass,
    RemoveRedundantCopyPass,
)
"""Those of XNNPACK's passes that change operators of `edge_form`, in XNNPACK's order."""


def delegated_constants(program: ExportedProgram) -> set[str] | None:
    """Return the names of the constants that a delegate stores which takes every operator.

    XNNPACK's partitioner takes some operators without their constants. The runtime hands these to
    the delegate. The result is None if an operator would stay outside, or if two parts of the graph
    are not connected, which makes several delegates.
    """
    configs = XnnpackPartitioner().target_partitioner_configs
    inside: set[Node] = set()
    operators = [node for node in program.graph.nodes if node.op == "call_function"]
    for node in operators:
        config = configs.get(format_target_name(node.target.__name__))
        if config is None or not config.check_constraints(node, program):
            return None
        inside.update(config.get_partition(node, program))
    if not inside.issuperset(operators) or not _is_connected(operators):
        return None
    return {node.name for node in inside if node.op == "placeholder"}


def _is_connected(operators: list[Node]) -> bool:
    """Return True if values lead from each operator to each other, in any direction."""
    found: set[Node] = set()
    waiting = operators[:1]
    while waiting:
        node = waiting.pop()
        if node in found or node.op != "call_function":
            continue
        found.add(node)
        waiting += [*node.users, *node.all_input_nodes]
    return len(found) == len(operators)


def preprocess(program: ExportedProgram) -> PreprocessResult:
    """Serialize a program for the delegate, as `XnnpackBackend.preprocess` does.

    Args:
        program: only operators that the delegate takes; the graph is changed.
    """
    with passes_that_end_with(_compute_shapes):
        for kind in PASSES:
            run = kind(program) if issubclass(kind, XNNPACKPass) else kind()
            run.call(program.graph_module)
    store = NamedDataStore()
    external = xnnpack_preprocess.generate_node_to_external_map(program, program.graph_module)
    graph = XNNGraph(
        version="0",
        xnodes=[],
        xvalues=[],
        num_externs=len(external),
        input_ids=[],
        output_ids=[],
        constant_data=[ConstantDataOffset(0, 0)],
    )
    visitors = xnnpack_preprocess.get_node_visitors(program, external, store)
    ids: dict[Node, int] = {}
    for node in program.graph.nodes:
        if node.op == "call_function":
            handle = node.meta.get("debug_handle", xnnpack_preprocess.DEFAULT_DEBUG_HANDLE)
            visitors[node.target.__name__].define_node(node, graph, ids, handle)
    return PreprocessResult(
        processed_bytes=xnnpack_preprocess.serialize_xnnpack_binary(graph, bytearray()),
        debug_handle_map={},
        data_store_output=store.get_named_data_store_output(),
    )


def _compute_shapes(self: _ExportPassBase, graph: GraphModule) -> PassResult:
    """Compute the shapes of the nodes that a pass changed, instead of tracing the graph."""
    compute_shapes(graph.graph)
    return PassResult(graph, True)
