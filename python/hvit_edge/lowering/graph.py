"""Read and edit an exported graph.

`export_graph` returns a graph: a `torch.fx.GraphModule` of ATen operators whose parameters, buffers
and constants are attributes. It runs like the module that it came from. Every tensor node has its
shape and dtype in `meta["val"]`, and the module that it came from in `meta["nn_module_stack"]`.
Nodes made through `Editor` have both.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeGuard

import torch
from torch.fx import GraphModule, Node
from torch.utils._pytree import tree_map_only

from hvit_edge.lowering.inferred_results import infer
from hvit_edge.lowering.plain_layout import plain

aten = torch.ops.aten
Operator = Callable[..., object]
META = torch.device("meta")
SHARED_ELEMENTS = 4096  # up to this size the comparison of values is cheap


def nodes_calling(graph: GraphModule, *operators: Operator) -> Iterator[Node]:
    """Yield the nodes that call one of `operators`, in graph order.

    The graph may be edited during the iteration; erased nodes are skipped.
    """
    for node in list(graph.graph.nodes):
        if node.op == "call_function" and node.target in operators and not node._erased:
            yield node


def is_call(value: object, *operators: Operator) -> TypeGuard[Node]:
    """Return True if `value` is a node that calls one of `operators`."""
    return isinstance(value, Node) and value.op == "call_function" and value.target in operators


def shape_of(node: Node) -> list[int]:
    """Return the static shape of a tensor node."""
    return list(node.meta["val"].shape)


def rank_of(node: Node) -> int:
    """Return the number of dimensions of a tensor node."""
    return node.meta["val"].dim()


def is_static(node: Node) -> bool:
    """Return True if the shapes of all results are numbers, not computed from data."""
    made = node.meta.get("val")
    parts = made if isinstance(made, tuple | list) else [made]
    return all(isinstance(n, int) for part in parts if part is not None for n in part.shape)


def argument(node: Node, position: int, name: str, default: object = None) -> Any:
    """Return an operator's argument, given by position or by name, or `default`."""
    if len(node.args) > position:
        return node.args[position]
    return node.kwargs.get(name, default)


def is_constant(value: object) -> TypeGuard[Node]:
    """Return True if `value` is a parameter, buffer or constant of the graph."""
    return isinstance(value, Node) and value.op == "get_attr"


def has_constant_weights(layer: Node) -> bool:
    """Return True if the weights and the bias (if any) of a layer are constants."""
    bias = argument(layer, 2, "bias")
    return is_constant(argument(layer, 1, "weight")) and (bias is None or is_constant(bias))


def constant_tensor(graph: GraphModule, node: Node) -> torch.Tensor:
    """Return the tensor of a constant node, detached."""
    value: object = graph
    for name in str(node.target).split("."):
        value = getattr(value, name)
    assert isinstance(value, torch.Tensor)
    return value.detach()


def layer_constants(graph: GraphModule, layer: Node) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Return the weights and the bias (or None) of a linear or convolution, float64."""
    bias = argument(layer, 2, "bias")
    weight = constant_tensor(graph, layer.args[1]).double()
    return weight, None if bias is None else constant_tensor(graph, bias).double()


def only_user(node: Node) -> Node | None:
    """Return the single node that uses `node`, or None if there are none or several."""
    return next(iter(node.users)) if len(node.users) == 1 else None


def module_path(node: Node) -> str:
    """Return the dotted path of the module that a node came from; empty for the root."""
    stack = node.meta.get("nn_module_stack") or {}
    return list(stack.values())[-1][0] if stack else ""


def cleanup(graph: GraphModule) -> None:
    """Remove dead nodes and unused parameters and buffers, then recompile."""
    graph.graph.eliminate_dead_code()
    used = {str(node.target) for node in graph.graph.nodes if node.op == "get_attr"}
    for name in [n for n, _ in graph.named_parameters(remove_duplicate=False)] + [
        n for n, _ in graph.named_buffers(remove_duplicate=False)
    ]:
        if name not in used:
            owner, _, leaf = name.rpartition(".")
            delattr(graph.get_submodule(owner), leaf)
    graph.recompile()


def shared_constants(graph: GraphModule) -> dict[tuple[Any, ...], str]:
    """Return the names of the small constants that `Editor` made so far, by `shared_key`."""
    return graph.meta.setdefault("hvit_edge_small_constants", {})


def shared_key(tensor: torch.Tensor) -> tuple[Any, ...]:
    """Return the dtype, shape and bytes of a small constant."""
    return tensor.dtype, tuple(tensor.shape), tensor.reshape(-1).view(torch.uint8).numpy().tobytes()


class Editor:
    """Inserts nodes before one node and replaces it.

    Args:
        graph: the graph to edit.
        anchor: new nodes are inserted before it, and inherit the module that it came from.
    """

    def __init__(self, graph: GraphModule, anchor: Node) -> None:
        self.graph = graph
        self.anchor = anchor

    def call(self, operator: Operator, *args: object, **kwargs: object) -> Node:
        """Insert a call of `operator`; its shape and dtype are inferred from the arguments."""
        with self.graph.graph.inserting_before(self.anchor):
            node = self.graph.graph.call_function(operator, args, kwargs)
        node.meta["val"] = inferred(node)
        _copy_origin(self.anchor, node)
        return node

    def reshape(self, node: Node, shape: list[int]) -> Node:
        """Return `node` in another shape; `node` itself if it has this shape already."""
        return node if shape_of(node) == shape else self.call(aten.reshape.default, node, shape)

    def permute(self, node: Node, order: list[int]) -> Node:
        """Return `node` with its dimensions in another order; `node` itself if nothing moves."""
        if order == list(range(len(order))):
            return node
        return self.call(aten.permute.default, node, order)

    def constant(self, name: str, tensor: torch.Tensor, *, share: bool = True) -> Node:
        """Insert a constant; `name` is made unique.

        Small constants of equal dtype, shape and values are stored once, unless `share` is False.
        """
        tensor = plain(tensor.detach())
        shared = shared_constants(self.graph)
        small = share and tensor.numel() <= SHARED_ELEMENTS
        key = shared_key(tensor) if small else ()
        target = shared.get(key)
        if target is None or not hasattr(self.graph, target):
            target = self._unique_name(name.replace(".", "_"))
            self.graph.register_buffer(target, tensor)
            if small:
                shared[key] = target
        with self.graph.graph.inserting_before(self.anchor):
            node = self.graph.graph.get_attr(target)
        node.meta["val"] = torch.empty_like(tensor, device="meta")
        return node

    def _unique_name(self, stem: str) -> str:
        count = itertools.count(1)
        name = stem
        while hasattr(self.graph, name):
            name = f"{stem}_{next(count)}"
        return name

    def constant_like(self, name: str, values: torch.Tensor, node: Node) -> Node:
        """Insert a constant in the dtype of `node`."""
        return self.constant(name, values.to(node.meta["val"].dtype))

    def layer(self, like: Node, weight: torch.Tensor, bias: torch.Tensor | None) -> Node:
        """Insert a linear or convolution like `like`, with other weights and another bias.

        It keeps the module of `like`, which does most of its work: a convolution with a folded norm
        is still the convolution.
        """
        arguments = [like.args[0], self.constant_like(f"{like.name}_weight", weight, like)]
        if bias is not None:
            arguments.append(self.constant_like(f"{like.name}_bias", bias, like))
        elif len(like.args) > 3:
            arguments.append(None)
        kwargs = {name: value for name, value in like.kwargs.items() if name != "bias"}
        node = self.call(like.target, *arguments, *like.args[3:], **kwargs)
        _copy_origin(like, node)
        return node

    def replace(self, replacement: Node) -> None:
        """Make every user of the anchor use `replacement`, and erase the anchor."""
        self.anchor.replace_all_uses_with(replacement)
        self.graph.graph.erase_node(self.anchor)


def _copy_origin(source: Node, node: Node) -> None:
    """Give a node the module, and the place in its code, that another node came from."""
    for key in ("nn_module_stack", "stack_trace"):
        if key in source.meta:
            node.meta[key] = source.meta[key]


def inferred(node: Node) -> object:
    """Return the results of a call as tensors without data, from those of its arguments."""
    args, kwargs = torch.fx.map_arg((node.args, node.kwargs), lambda source: source.meta["val"])
    args, kwargs = tree_map_only(torch.device, lambda device: META, (args, kwargs))
    made = infer(node.target, args, kwargs)
    return tree_map_only(torch.Tensor, lambda tensor: tensor.to(META), made)


def is_float(node: Node) -> bool:
    """Return True if a tensor node has a floating-point dtype."""
    return node.meta["val"].dtype.is_floating_point


def replace_each(
    graph: GraphModule,
    table: Mapping[Operator | tuple[Operator, ...], Callable[[Editor, Node], Node | None]],
    *,
    where: Callable[[Node], bool],
) -> bool:
    """Replace calls of operators by a table of functions. Return True if the graph changed.

    Args:
        graph: the graph to edit, in place.
        table: for an operator, or several, the function that makes the replacement. It returns None
            to leave a call as is. Entries are applied in order.
        where: selects the calls that may be replaced.
    """
    modified = False
    for operators, made in table.items():
        calls = operators if isinstance(operators, tuple) else (operators,)
        for node in nodes_calling(graph, *calls):
            if not where(node):
                continue
            edit = Editor(graph, node)
            replacement = made(edit, node)
            if replacement is not None:
                edit.replace(replacement)
                modified = True
    return modified


def first(option: int | Sequence[int]) -> int:
    """Return an option of one dimension, given as a number or a list of one number."""
    return option if isinstance(option, int) else option[0]


def repeated(option: int | Sequence[int], dims: int) -> list[int]:
    """Return an option of `dims` dimensions; a single number is used for each."""
    values = [option] if isinstance(option, int) else list(option)
    return values * dims if len(values) == 1 else values
