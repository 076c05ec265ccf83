"""Export a module to a graph of ATen operators."""

from __future__ import annotations

import torch
from torch import nn
from torch.fx import GraphModule, Node

from hvit_edge.errors import LoweringError
from hvit_edge.lowering.export_error import untraceable
from hvit_edge.lowering.functionalize import functionalize, plain_module, writes_state
from hvit_edge.lowering.graph import module_path
from hvit_edge.lowering.inline_grad_modes import inline_grad_modes
from hvit_edge.lowering.patches import lazy_code, without_partial_graph
from hvit_edge.lowering.plain_layout import plain, store_plainly

ATTRIBUTE_WRITTEN = "attribute is mutated in the forward"
"""The message of torch.export about a tensor that is no parameter or buffer; it lacks the name."""


def export_graph(
    module: nn.Module,
    example_inputs: tuple[torch.Tensor, ...],
    *,
    owner: nn.Module | None = None,
) -> GraphModule:
    """Trace `module` into an equivalent graph that writes only to its results.

    Args:
        module: any module in eval mode that `torch.export` accepts. The example fixes all shapes.
        example_inputs: one tensor per argument of `forward`. Each is copied to contiguous strides
            if needed, because the memory format of the example becomes part of the program.
        owner: the module whose paths appear in messages; None for `module` itself.

    Returns:
        A graph with parameters and buffers as attributes. They are shared with `module`, and
        rewrites never modify them. Each tensor node has `meta["val"]`, a tensor without data.
        In-place operators are replaced with out-of-place ones. The graph does not change its
        inputs, even if `module` does.

    Raises:
        LoweringError: `torch.export` refuses the module, the module is in training mode, it writes
            to its own buffers, parameters or tensors, or the shape of an output depends on values.
    """
    if any(child.training for child in module.modules()):
        raise LoweringError(
            "[export_graph] expected a module in eval mode, got training mode; call .eval() first"
        )
    inputs = tuple(map(plain, example_inputs))
    try:
        # Without this, a block of torch.no_grad() in the module becomes a nested graph.
        with torch.no_grad(), without_partial_graph(), lazy_code():
            program = functionalize(inline_grad_modes(torch.export.export(module, inputs)))
    except LoweringError:
        raise
    except Exception as error:
        if ATTRIBUTE_WRITTEN in str(error):
            raise writes_state(_tensor_attributes(owner or module)) from error
        raise untraceable(error, owner or module) from error
    with lazy_code():
        graph = plain_module(program)
    _check_shapes(graph)
    store_plainly(graph)
    for node in graph.graph.nodes:
        if "val" in node.meta:
            node.meta["val"] = _without_data(node.meta["val"])
    return graph


def _tensor_attributes(module: nn.Module) -> list[str]:
    """Return the dotted names of tensors that are neither parameters nor buffers."""
    return [
        f"{path}.{name}".lstrip(".")
        for path, child in module.named_modules()
        for name, value in vars(child).items()
        if isinstance(value, torch.Tensor)
    ]


def _check_shapes(graph: GraphModule) -> None:
    """Raise LoweringError if the shape of an output depends on the values of tensors."""
    free = [node for node in graph.graph.nodes if _is_free(node)]
    listed = [
        f"output {index}"
        for index, node in enumerate(graph.graph.output_node().args[0])
        if node in free
    ]
    if listed:
        raise LoweringError(
            f"[export_graph] expected outputs of fixed shapes, got {', '.join(listed)} with a shape"
            f" that depends on the values of tensors ({free[0].target} in"
            f" {module_path(free[0]) or 'the root module'}); return a tensor of the largest size,"
            " and choose with torch.where instead of an index that is a mask"
        )


def _is_free(node: Node) -> bool:
    """Return True if the shape of a value is known only when it is computed."""
    value = node.meta.get("val")
    return isinstance(value, torch.Tensor) and any(
        not isinstance(size, int) for size in value.shape
    )


def _without_data(value: object) -> object:
    if isinstance(value, torch.Tensor):
        return torch.empty_strided(value.shape, value.stride(), dtype=value.dtype, device="meta")
    if isinstance(value, list | tuple):
        return type(value)(_without_data(item) for item in value)
    return value
