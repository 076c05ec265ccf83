import torch
from torch import nn
from torch.nn import functional as F

from hvit_edge.lowering import export_graph
from hvit_edge.lowering.graph import aten
from hvit_edge.targets.coreml.rules import RULES
from hvit_edge.targets.write_out import write_out

IMAGE = torch.randn(1, 4, 6, 6, generator=torch.Generator().manual_seed(0))


class Rare(nn.Module):
    """Composite operators, one that makes constants, one that writes in place, and a plain one."""

    def forward(self, x):
        angle = F.cosine_similarity(x[:, :2], x[:, 2:], dim=1)
        return x.tril(-1) + torch.lerp(x, x.exp(), 0.3) + angle.unsqueeze(1)


def operators_of(graph):
    return [node.target for node in graph.graph.nodes if node.op == "call_function"]


def test_rare_operators_are_written_out_exactly():
    graph = export_graph(Rare().eval(), (IMAGE,))
    before = set(operators_of(graph))
    assert {aten.tril.default, aten.lerp.Scalar, aten.cosine_similarity.default} <= before
    assert write_out(graph, RULES)
    assert all(target in RULES for target in operators_of(graph))
    graph.graph.lint()
    torch.testing.assert_close(graph(IMAGE), Rare()(IMAGE), rtol=1e-6, atol=1e-6)
    assert not write_out(graph, RULES)


def test_new_nodes_know_the_module_and_the_line():
    graph = export_graph(Rare().eval(), (IMAGE,))
    write_out(graph, RULES)
    made = [node for node in graph.graph.nodes if node.op == "call_function"]
    assert all("test_write_out.py" in node.meta["stack_trace"] for node in made)


def test_operators_without_a_known_definition_stay():
    class Sorted(nn.Module):
        def forward(self, x):
            return x.erfinv() + x.sort(3).values

    graph = export_graph(Sorted().eval(), (IMAGE,))
    before = operators_of(graph)
    assert not write_out(graph, RULES)
    assert operators_of(graph) == before


def test_known_operators_stay():
    graph = export_graph(nn.Sequential(nn.GELU(), nn.Softmax(1)).eval(), (IMAGE,))
    assert not write_out(graph, RULES)


def test_definitions_may_convert_and_move_tensors():
    class Quantile(nn.Module):
        def forward(self, x):
            return x.quantile(0.3, dim=-1)

    graph = export_graph(Quantile().eval(), (IMAGE,))
    assert write_out(graph, RULES)
    torch.testing.assert_close(graph(IMAGE), Quantile()(IMAGE))
