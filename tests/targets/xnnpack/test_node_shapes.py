"""Shapes of values are computed again only if an operator or its arguments changed."""

from __future__ import annotations

import copy

import pytest
import torch
from torch.fx import Graph

from hvit_edge.targets.xnnpack.node_shapes import compute_shapes

aten = torch.ops.aten


class Counted:
    """An operator that counts its calls."""

    def __init__(self, operator) -> None:
        self.operator, self.calls = operator, 0
        self.__name__ = self.__qualname__ = "counted"
        self.__module__ = __name__

    def __call__(self, *args, **kwargs):
        self.calls += 1
        return self.operator(*args, **kwargs)


@pytest.fixture
def chain():
    """X [2, 3] -> permute -> relu, whose shapes are computed, and the counted permute."""
    graph, permute = Graph(), Counted(aten.permute.default)
    x = graph.placeholder("x")
    x.meta["val"] = torch.empty(2, 3, device="meta")
    moved = graph.call_function(permute, (x, [1, 0]))
    graph.output(graph.call_function(aten.relu.default, (moved,)))
    compute_shapes(graph)
    return graph, permute


def shapes(graph: Graph) -> list[tuple[int, ...]]:
    return [tuple(node.meta["val"].shape) for node in graph.nodes if node.op == "call_function"]


def test_shapes_are_computed_once(chain):
    graph, permute = chain
    assert shapes(graph) == [(3, 2), (3, 2)]
    values = [node.meta["val"] for node in graph.nodes if node.op == "call_function"]
    compute_shapes(graph)
    assert permute.calls == 1
    again = [node.meta["val"] for node in graph.nodes if node.op == "call_function"]
    assert all(one is other for one, other in zip(values, again, strict=True))


def test_a_copy_of_the_graph_knows_them(chain):
    graph, permute = chain
    other = copy.deepcopy(graph)
    compute_shapes(other)
    assert permute.calls == 1 and shapes(other) == shapes(graph)


def test_a_changed_argument_changes_all_that_depends_on_it(chain):
    graph, permute = chain
    moved = next(node for node in graph.nodes if node.target is permute)
    moved.args = (moved.args[0], [0, 1])
    compute_shapes(graph)
    assert permute.calls == 2 and shapes(graph) == [(2, 3), (2, 3)]


def test_a_number_of_another_type_is_another_argument():
    graph = Graph()
    x = graph.placeholder("x")
    x.meta["val"] = torch.empty(2, dtype=torch.int64, device="meta")
    added = graph.call_function(aten.add.Tensor, (x, 1))
    compute_shapes(graph)
    added.args = (x, 1.0)
    compute_shapes(graph)
    assert added.meta["val"].dtype == torch.float32


def test_metadata_of_another_operator_is_not_used(chain):
    graph, permute = chain
    moved = next(node for node in graph.nodes if node.target is permute)
    with graph.inserting_after(moved):
        other = graph.call_function(aten.unsqueeze.default, (moved.args[0], 0))
    other.meta = dict(moved.meta)
    compute_shapes(graph)
    assert tuple(other.meta["val"].shape) == (1, 2, 3)
