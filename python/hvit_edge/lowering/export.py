"""From a module to a graph of ATen operators."""

from __future__ import annotations

import torch
from torch import nn
from torch.fx import GraphModule

from hvit_edge.errors import LoweringError
from hvit_edge.lowering.export_error import untraceable
from hvit_edge.lowering.functionalize import functionalize, plain_module, writes_state
from hvit_edge.lowering.partial_graph import without_partial_graph
from hvit_edge.lowering.plain_layout import plain, store_plainly

ATTRIBUTE_WRITTEN = "attribute is mutated in the forward"
"""What torch.export says of a tensor that is neither parameter nor buffer, without its name."""


def export_graph(module: nn.Module, example_inputs: tuple[torch.Tensor, ...]) -> GraphModule:
    """Trace `module` into a graph that computes the same and writes to nothing but its results.

    Args:
        module: any module in eval mode that `torch.export` accepts, shapes fixed by the example.
        example_inputs: one tensor per argument of `forward`; stored in the order of its shape,
            because the memory format of the example becomes part of the program.

    Returns:
        A graph with parameters and buffers as attributes, shared with `module`, never modified
        by rewrites; each tensor node has `meta["val"]`, a tensor without data. What the module does
        in place is done out of place; an input that it writes to is left as it is.

    Raises:
        LoweringError: `torch.export` refuses the module, it is in training mode, or it writes to
            its own buffers.
    """
    if any(child.training for child in module.modules()):
        raise LoweringError(
            "[export_graph] expected a module in eval mode, got training mode; call .eval() first"
        )
    inputs = tuple(map(plain, example_inputs))
    try:
        # Blocks without gradients then need no graph of their own.
        with torch.no_grad(), without_partial_graph():
            program = functionalize(torch.export.export(module, inputs))
    except LoweringError:
        raise
    except Exception as error:
        if ATTRIBUTE_WRITTEN in str(error):
            raise writes_state(_tensor_attributes(module)) from error
        raise untraceable(error, module) from error
    graph = plain_module(program)
    store_plainly(graph)
    for node in graph.graph.nodes:
        if "val" in node.meta:
            node.meta["val"] = _without_data(node.meta["val"])
    return graph


def _tensor_attributes(module: nn.Module) -> list[str]:
    """The dotted names of tensors that are neither parameters nor buffers."""
    return [
        f"{path}.{name}".lstrip(".")
        for path, child in module.named_modules()
        for name, value in vars(child).items()
        if isinstance(value, torch.Tensor)
    ]


def _without_data(value: object) -> object:
    if isinstance(value, torch.Tensor):
        return torch.empty_strided(value.shape, value.stride(), dtype=value.dtype, device="meta")
    if isinstance(value, list | tuple):
        return type(value)(_without_data(item) for item in value)
    return value
