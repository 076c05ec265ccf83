"""Inline the blocks of an exported program in which gradients were enabled.

    x -> wrap_with_set_grad_enabled(True, block, x) -> y        x -> operators of the block -> y

`torch.export` traces such a block as a nested graph if the mode differs from the mode around it.
PyTorch's functionalization inlines blocks of `torch.no_grad()`, but fails on a block that reads
parameters. Gradients change no value.

Preconditions: none. A program without such blocks is returned unchanged.
"""

from __future__ import annotations

import operator

import torch
from torch.export import ExportedProgram
from torch.fx import GraphModule, Node

BLOCK = torch.ops.higher_order.wrap_with_set_grad_enabled


def inline_grad_modes(program: ExportedProgram) -> ExportedProgram:
    """Return `program`, with every block replaced by its operators, in place."""
    module = program.graph_module
    while blocks := [node for node in module.graph.nodes if node.target is BLOCK]:  # may be nested
        for node in blocks:
            _inline(module, node)
    module.recompile()
    return program


def _inline(module: GraphModule, call: Node) -> None:
    """Replace a call of a block by the nodes of the block."""
    _, name, *arguments = call.args
    block: GraphModule = getattr(module, name.target)
    for node in block.graph.find_nodes(op="get_attr"):  # the graph of a block in this block
        inner = f"{name.target}_{node.target}"
        setattr(module, inner, getattr(block, node.target))
        node.target = inner
    inputs = dict(zip(block.graph.find_nodes(op="placeholder"), arguments, strict=True))
    with module.graph.inserting_before(call):
        results = module.graph.graph_copy(block.graph, inputs)
    for item in list(call.users):
        assert item.target is operator.getitem
        item.replace_all_uses_with(results[item.args[1]])
        module.graph.erase_node(item)
    module.graph.erase_node(call)
    if not name.users:
        module.graph.erase_node(name)
