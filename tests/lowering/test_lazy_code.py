"""Code of graph modules that is written when it is needed."""

import copy
from contextlib import nullcontext

import pytest
import torch
from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
from torch import nn
from torch.fx import GraphModule, symbolic_trace

from hvit_edge.lowering import export_graph
from hvit_edge.lowering.patches import lazy_code
from hvit_edge.targets import patches
from hvit_edge.targets.delegate import Lowered, lower_to

X = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def lower_generally(graph: GraphModule, inputs: tuple[torch.Tensor, ...]) -> Lowered:
    return lower_to(XnnpackPartitioner(), graph, inputs)


@pytest.fixture
def made():
    """A graph module that was made in the block, and is used after it."""
    with lazy_code():
        return symbolic_trace(nn.SiLU())


def test_it_runs(made):
    assert "_code" not in made.__dict__
    torch.testing.assert_close(made(X), X * X.sigmoid())


def test_it_runs_in_the_block():
    with lazy_code():
        torch.testing.assert_close(symbolic_trace(nn.SiLU())(X), X * X.sigmoid())


@pytest.mark.parametrize("show", [str, lambda module: module.code])
def test_it_is_printed(made, show):
    assert "silu" in show(made)


def test_copies_run(made):
    torch.testing.assert_close(copy.deepcopy(made)(X), X * X.sigmoid())


def test_a_changed_graph_has_other_code(made):
    made(X)
    call = next(node for node in made.graph.nodes if node.op == "call_function")
    with lazy_code():
        call.target, call.kwargs = torch.relu, {}
        made.recompile()
    assert "relu" in made.code
    torch.testing.assert_close(made(X), X.relu())


def test_everything_is_as_before_after_the_block():
    before = GraphModule.recompile, GraphModule.print_readable
    with lazy_code():
        assert GraphModule.recompile is not before[0]
    assert (GraphModule.recompile, GraphModule.print_readable) == before


def test_programs_stay_as_they_are(monkeypatch):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.SiLU(), nn.Flatten())
    graph = export_graph(net.eval(), (X,))
    lazy = lower_generally(copy.deepcopy(graph), (X,)).serialize()
    monkeypatch.setattr(patches, "lazy_code", nullcontext)
    assert lower_generally(graph, (X,)).serialize() == lazy
