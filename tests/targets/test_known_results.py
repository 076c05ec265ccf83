"""Results of delegates that are known without running the graphs that the delegates replaced."""

from contextlib import nullcontext

import pytest
import torch
from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
from executorch.exir.lowered_backend_module import LoweredBackendModule
from torch import nn
from torch.export import ExportedProgram

from hvit_edge.lowering import export_graph
from hvit_edge.targets import patches
from hvit_edge.targets.delegate import lower_to
from hvit_edge.targets.patches import known_results

X = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def lowered():
    """Return a program of two delegates, with an operator between them."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.GroupNorm(2, 8), nn.Conv2d(8, 4, 1))
    lowered = lower_to(XnnpackPartitioner(), export_graph(net.eval(), (X,)), (X,))
    assert lowered.delegates == 2
    return lowered


def test_no_graph_runs_and_the_program_stays_as_it_is(lowered, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(patches, "known_results", nullcontext)
        expected = lowered.serialize()
    monkeypatch.setattr(ExportedProgram, "module", None)
    assert lowered.serialize() == expected


def test_everything_is_as_before_after_the_block(lowered):
    (first, *_) = lowered.edge.exported_program().graph_module.children()
    original = LoweredBackendModule.original_module
    program = first.original_module
    with known_results():
        (result,) = first.original_module.module()(X)
        assert first.original_module.graph is program.graph
    value = program.graph.output_node().args[0][0].meta["val"]
    assert (result.shape, result.stride(), result.dtype) == (
        value.shape,
        value.stride(),
        value.dtype,
    )
    assert LoweredBackendModule.original_module is original
    assert first.original_module is program
