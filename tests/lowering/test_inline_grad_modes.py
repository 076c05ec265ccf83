"""Blocks that enable gradients are part of the graph like any other line."""

import pytest
import torch
from torch import nn

from hvit_edge.lowering import export_graph
from hvit_edge.lowering.inline_grad_modes import BLOCK, inline_grad_modes


class Blocks(nn.Module):
    """Enables gradients once, and again in the other mode's block."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x):
        with torch.enable_grad():
            y = self.first(x)
            with torch.no_grad():
                z = self.second(y) + 1
            y = y * z
        with torch.set_grad_enabled(True):
            return self.first(y), z


def test_the_graph_gives_the_answer_of_the_module():
    torch.manual_seed(0)
    module, x = Blocks().eval(), torch.randn(2, 4)
    graph = export_graph(module, (x,))
    for found, wanted in zip(graph(x), module(x), strict=True):
        assert torch.equal(found, wanted)
    assert not any(node.target is BLOCK for node in graph.graph.nodes)
    stacks = [node.meta["nn_module_stack"] for node in graph.graph.nodes if "linear" in node.name]
    assert [list(stack.values())[-1][0] for stack in stacks] == ["first", "second", "first"]


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_a_program_without_such_blocks_is_unchanged(mode):
    class Plain(nn.Module):
        def forward(self, x):
            with mode():
                return x * 2

    with torch.no_grad():
        program = torch.export.export(Plain().eval(), (torch.ones(2),))
    before = str(program.graph)
    assert str(inline_grad_modes(program).graph) == before
