"""Compute in float16 between a float32 input and a float32 output.

    x -> f -> y         x -> to(float16) -> f -> to(float32) -> y

Averages, variances and the normalization by them stay in float32 between casts. The square of an
activation above 256 does not fit into float16, and a sum of many squares overflows far earlier.
GELU also stays in float32, because the delegate does not run it in float16.

    c -> mul(c) -> average -> rsqrt -> mul(c)       the same in float32, cast on either side
"""

from __future__ import annotations

import torch
from torch.fx import GraphModule, Interpreter, Node

from hvit_edge.lowering.graph import (
    Editor,
    argument,
    aten,
    constant_tensor,
    is_call,
    is_constant,
    nodes_calling,
    rank_of,
    shape_of,
)
from hvit_edge.quantize.half_casts import CAST
from hvit_edge.quantize.int8_operators import INT8_OPERATORS
from hvit_edge.quantize.layers import is_helper

FLOAT32_ONLY = (aten.gelu.default,)  # the delegate does not run these in float16
HALF_LIMIT = torch.finfo(torch.float16).max


def quantize_half(graph: GraphModule) -> None:
    """Make the graph compute in float16, in place, except the nodes of `float32_island`."""
    _write_out_silu(graph)
    _write_out_glu(graph)
    island = float32_island(graph)
    dtypes: dict[Node, torch.dtype] = {}
    casts: dict[tuple[Node, torch.dtype], Node] = {}
    for node in list(graph.graph.nodes):
        if node.op in ("placeholder", "output") or node in island:
            dtypes[node] = torch.float32
        elif node.op == "call_function":
            dtypes[node] = torch.float16
        if node.op in ("call_function", "output"):
            for source in _computed_with(node):
                _cast_input(graph, node, source, dtypes, casts)
        if dtypes.get(node) is torch.float16 and "val" in node.meta:
            node.meta["val"] = _as_half(node.meta["val"])


def number_of(graph: GraphModule) -> torch.dtype:
    """Return what a quantized graph computes in outside int8 layers: float16 if any node does."""
    values = (node.meta.get("val") for node in graph.graph.nodes if node.op == "call_function")
    halves = (isinstance(v, torch.Tensor) and v.dtype is torch.float16 for v in values)
    return torch.float16 if any(halves) else torch.float32


def _computed_with(node: Node) -> list[Node]:
    """Return the inputs in the precision of `node`; an int8 layer's weights have another one."""
    return [node.args[0]] if is_call(node, *INT8_OPERATORS) else list(node.all_input_nodes)


class HalfStorage(Interpreter):
    """Runs a graph with float16 results computed in float32, as CPUs without float16 units do.

    PyTorch's float16 operators take a hundred times as long on such CPUs.
    """

    def run_node(self, node: Node) -> object:
        if node.op != "call_function":
            return super().run_node(node)
        args, kwargs = self.fetch_args_kwargs_from_env(node)
        value = node.meta.get("val")
        is_half = isinstance(value, torch.Tensor) and value.dtype is torch.float16
        if not is_half or node.target is CAST:
            return node.target(*args, **kwargs)  # without the bookkeeping of Interpreter
        args, kwargs = torch.utils._pytree.tree_map(_widened, (args, kwargs))
        return node.target(*args, **kwargs).to(torch.float16)


def _widened(value: object) -> object:
    if isinstance(value, torch.Tensor) and value.dtype is torch.float16:
        return value.float()
    return value


def _write_out_silu(graph: GraphModule) -> None:
    """Write silu(x) as x * sigmoid(x); ExecuTorch's decomposition would compute it in float32."""
    for node in nodes_calling(graph, aten.silu.default):
        edit, x = Editor(graph, node), node.args[0]
        edit.replace(edit.call(aten.mul.Tensor, x, edit.call(aten.sigmoid.default, x)))


def _write_out_glu(graph: GraphModule) -> None:
    """Write glu([a, b]) as a * sigmoid(b); ExecuTorch would compute it in float32 as well."""
    for node in nodes_calling(graph, aten.glu.default):
        edit, x = Editor(graph, node), node.args[0]
        dim = argument(node, 1, "dim", -1) % rank_of(x)
        half = shape_of(x)[dim] // 2
        value = edit.call(aten.slice.Tensor, x, dim, 0, half)
        gate = edit.call(aten.slice.Tensor, x, dim, half, 2 * half)
        edit.replace(edit.call(aten.mul.Tensor, value, edit.call(aten.sigmoid.default, gate)))


def float32_island(graph: GraphModule) -> set[Node]:
    """Return the averages, the squares that they average, and all nodes from an average
    to its use.
    """
    island: set[Node] = set()
    # means of squares, and all that is computed from them before the root
    variances: set[Node] = set()
    factors: set[Node] = set()  # products of roots and constants
    for node in graph.graph.nodes:
        if is_call(node, *FLOAT32_ONLY):
            island.add(node)
        elif is_helper(graph, node):
            island.add(node)
            if is_call(node.args[0], aten.mul.Tensor):
                island.add(node.args[0])
            if node.args[0] in variances:
                variances.add(node)
        elif is_call(node, aten.mean.dim) and _is_square(node.args[0]):
            island |= {node, node.args[0]}
            variances.add(node)
        elif is_call(node, aten.reshape.default, aten.add.Tensor, aten.rsqrt.default) and (
            node.args[0] in variances
        ):
            island.add(node)
            (factors if node.target is aten.rsqrt.default else variances).add(node)
        elif is_call(node, aten.mul.Tensor) and any(s in factors for s in node.all_input_nodes):
            island.add(node)
            if any(map(is_constant, node.all_input_nodes)):
                factors.add(node)
        elif is_call(node, aten.rsqrt.default, aten.sub.Tensor, aten.mul.Tensor) and (
            any(_is_average_or_root(graph, source) for source in node.all_input_nodes)
        ):
            island.add(node)
    return island


def _is_square(node: object) -> bool:
    return is_call(node, aten.mul.Tensor) and node.args[0] is node.args[1]


def _is_average_or_root(graph: GraphModule, node: Node) -> bool:
    return is_helper(graph, node) or is_call(node, aten.rsqrt.default)


def _cast_input(
    graph: GraphModule,
    node: Node,
    source: Node,
    dtypes: dict[Node, torch.dtype],
    casts: dict[tuple[Node, torch.dtype], Node],
) -> None:
    wanted = dtypes[node]
    if is_constant(source):
        if wanted is torch.float32 or not source.meta["val"].dtype.is_floating_point:
            return
    elif dtypes[source] is wanted:
        return
    if (source, wanted) not in casts:
        casts[source, wanted] = _cast(graph, source, wanted)
    node.replace_input_with(source, casts[source, wanted])


def _cast(graph: GraphModule, source: Node, wanted: torch.dtype) -> Node:
    edit = Editor(graph, source.next)
    if is_constant(source):
        values = constant_tensor(graph, source).clamp(-HALF_LIMIT, HALF_LIMIT)
        return edit.constant(f"{source.target}_half", values.to(wanted))
    return edit.call(CAST, source, wanted)


def _as_half(value: object) -> object:
    return value.to(torch.float16) if isinstance(value, torch.Tensor) else value
