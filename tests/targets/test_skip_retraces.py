"""Skipped traces: which are skipped, and that programs stay as they are."""

import copy
from contextlib import nullcontext

import pytest
import torch
from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
from executorch.exir.pass_base import ExportPass, _ExportPassBase
from torch import nn
from torch.fx import GraphModule

from hvit_edge.lowering import export_graph
from hvit_edge.targets import patches
from hvit_edge.targets.delegate import Lowered, lower_to
from hvit_edge.targets.patches import skipped_retraces

IMAGE = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def lower_generally(graph: GraphModule, inputs: tuple[torch.Tensor, ...]) -> Lowered:
    return lower_to(XnnpackPartitioner(), graph, inputs)


class Doubled(ExportPass):
    """A pass that changes the graph as it traces it."""

    def call_operator(self, op, args, kwargs, meta):
        result = super().call_operator(op, args, kwargs, meta)
        return super().call_operator(torch.ops.aten.add.Tensor, (result, result), {}, meta)


@pytest.fixture(scope="module")
def graph():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.SiLU(), nn.Flatten())
    return export_graph(net.eval(), (IMAGE,))


@pytest.fixture
def traced(graph):
    program = torch.export.export(graph, (IMAGE,))
    with skipped_retraces():
        return ExportPass()(program.graph_module).graph_module


def test_a_graph_is_not_traced_twice(traced):
    with skipped_retraces():
        assert ExportPass()(traced).graph_module is traced


def test_the_next_block_still_traces_outside_of_it(traced):
    assert ExportPass()(traced).graph_module is not traced


def test_a_pass_with_code_for_operators_runs(traced):
    with skipped_retraces():
        doubled = Doubled()(traced).graph_module
    operators = sum(node.op == "call_function" for node in traced.graph.nodes)
    assert sum(node.op == "call_function" for node in doubled.graph.nodes) == 2 * operators


@pytest.mark.parametrize("change", ["operator", "argument", "shape"])
def test_a_changed_graph_is_traced(traced, change):
    node = next(n for n in traced.graph.nodes if n.target is torch.ops.aten.silu.default)
    if change == "operator":
        node.target = torch.ops.aten.relu.default
    elif change == "argument":
        node.args = (node.args[0].args[0],)
    else:
        node.meta["val"] = node.meta["val"].transpose(2, 3)
    with skipped_retraces():
        again = ExportPass()(traced).graph_module
    assert again is not traced
    values = [n.meta["val"] for n in again.graph.nodes if n.target is node.target]
    assert [value.stride() for value in values] == [(8 * 36, 36, 6, 1)]


def test_programs_stay_as_they_are(graph, monkeypatch):
    lower_generally(
        copy.deepcopy(graph), (IMAGE,)
    )  # the first program of a process builds patterns
    traces, trace = [], _ExportPassBase.call
    counted = lambda self, gm: traces.append(self) or trace(self, gm)  # noqa: E731
    monkeypatch.setattr(_ExportPassBase, "call", counted)
    skipping = lower_generally(copy.deepcopy(graph), (IMAGE,)).serialize()
    few = len(traces)
    monkeypatch.setattr(patches, "skipped_retraces", nullcontext)
    assert lower_generally(copy.deepcopy(graph), (IMAGE,)).serialize() == skipping
    assert few < (len(traces) - few) * 0.7
