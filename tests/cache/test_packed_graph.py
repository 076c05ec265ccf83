"""A graph that is packed and unpacked is the same graph."""

import json

import pytest
import torch
from torch import nn

from hvit_edge.cache.entry import Entry, NotStorable, read_entry
from hvit_edge.cache.packed_graph import pack, unpack
from hvit_edge.lowering import COREML_PIPELINE, NATIVE_PIPELINE, PIPELINE, export_graph, rewrite
from hvit_edge.lowering.graph import Editor

EXAMPLE = (torch.randn(1, 3, 16, 16),)


def described(graph) -> list[tuple]:
    """Return what compilations read of each node, and its place among the names."""
    return [
        (
            node.op,
            node.name,
            str(node.target),
            str(node.args),
            str(node.kwargs),
            str(node.meta.get("val")),
            str(node.meta.get("nn_module_stack")),
            node.meta.get("stack_trace"),
        )
        for node in graph.graph.nodes
    ]


def constants(graph) -> list[tuple]:
    return [
        (kind, name, tensor.requires_grad, tensor.dtype, tuple(tensor.shape))
        for kind, row in (
            ("parameter", graph.named_parameters(remove_duplicate=False)),
            ("buffer", graph.named_buffers(remove_duplicate=False)),
        )
        for name, tensor in row
    ]


def round_trip(graph, known=None):
    return unpack(read_entry(pack(graph, known).to_bytes()), known)


@pytest.mark.parametrize("passes", [(), NATIVE_PIPELINE, COREML_PIPELINE, PIPELINE])
def test_round_trip(tiny_model, passes):
    graph = export_graph(tiny_model, EXAMPLE)
    rewrite(graph, passes=passes)
    found = round_trip(graph)
    assert described(found) == described(graph)
    assert constants(found) == constants(graph)
    assert pack(found).digest() == pack(graph).digest()
    assert list(found.state_dict()) == list(graph.state_dict())
    with torch.no_grad():
        assert torch.equal(found(*EXAMPLE), graph(*EXAMPLE))


def test_later_rewrites_do_the_same(tiny_model):
    graph = export_graph(tiny_model, EXAMPLE)
    found = round_trip(graph)
    for each in (graph, found):
        rewrite(each, passes=PIPELINE)
    assert described(found) == described(graph)
    assert constants(found) == constants(graph)


def test_small_constants_are_shared_as_before(tiny_model):
    graph = export_graph(tiny_model, EXAMPLE)
    rewrite(graph, passes=PIPELINE)
    found = round_trip(graph)
    for each in (graph, found):
        node = next(n for n in each.graph.nodes if n.op == "call_function")
        shared = each.meta["hvit_edge_small_constants"]
        name = next(name for name in shared.values() if hasattr(each, name))
        made = Editor(each, node).constant("again", getattr(each, name))
        assert made.target == name


class Tied(nn.Module):
    """Shares a weight, and returns several outputs of containers."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)
        self.second.weight = self.first.weight
        self.register_buffer("scale", torch.tensor(2.0), persistent=False)
        self.plain = torch.arange(4.0)

    def forward(self, x, y=None):
        z = self.second(self.first(x)).clamp(min=-float("inf")) * self.scale
        return {"a": z.to(torch.float64), "b": [x, torch.zeros(4, dtype=torch.int64) + self.plain]}


def test_shared_weights_stay_shared_and_known_tensors_are_not_stored():
    module = Tied().eval()
    graph = export_graph(module, (torch.randn(2, 4),))
    known = dict([*module.named_parameters(), *module.named_buffers()])
    entry = pack(graph, known)
    assert [tuple(t.shape) for t in entry.tensors] == [(4,)], "only the attribute"
    for found in (round_trip(graph), round_trip(graph, known)):
        weights = [t for n, t in found.named_parameters(remove_duplicate=False) if "weight" in n]
        assert len({id(weight) for weight in weights}) == 1
        given = torch.randn(2, 4)
        expected, got = module(given), found(given)
        assert torch.equal(got["a"], expected["a"]) and got["a"].dtype == torch.float64
        assert torch.equal(got["b"][1], expected["b"][1])
    assert round_trip(graph, known).get_parameter("first.weight") is module.first.weight


@torch.library.custom_op("cache_test::twice", mutates_args=())
def twice(x: torch.Tensor) -> torch.Tensor:
    return 2 * x


@twice.register_fake
def _(x):
    return torch.empty_like(x)


class Foreign(nn.Module):
    def forward(self, x):
        return twice(x)


class Branches(nn.Module):
    def forward(self, x):
        return torch.cond(x.sum() > 0, torch.sin, torch.cos, (x,))


@pytest.mark.parametrize("module", [Foreign, Branches])
def test_what_is_no_operator_of_pytorch_is_not_stored(module):
    program = torch.export.export(module().eval(), (torch.randn(2, 2),))
    with pytest.raises(NotStorable):
        pack(program.module(check_guards=False))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"aten.linear.default"', '"os.system.default"'),
        ('"aten.linear.default"', '"builtins.eval"'),
        ('"op":"call_function"', '"op":"call_module"'),
        ('"float32"', '"load"'),
        ('"aten.linear.default"', '"aten.linear.nothing"'),
    ],
)
def test_an_entry_names_no_other_functions(before, after):
    entry = pack(export_graph(nn.Linear(4, 4).eval(), (torch.randn(1, 4),)))
    text = json.dumps(entry.value, separators=(",", ":"))
    assert before in text
    changed = Entry(json.loads(text.replace(before, after)), entry.tensors)
    with pytest.raises((ValueError, KeyError, AttributeError, TypeError)):
        unpack(changed)


def test_operators_of_other_namespaces_are_read_only_if_they_are_named(tiny_model):
    graph = export_graph(tiny_model, EXAMPLE)
    entry = pack(graph)
    assert len(list(unpack(entry, operators=("aten",)).graph.nodes)) == len(list(graph.graph.nodes))
    with pytest.raises(ValueError, match=r"an operator aten\."):
        unpack(entry, operators=("hvit_edge",))
