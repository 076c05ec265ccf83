"""Modules that write in place, compared with eager PyTorch."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from hvit_edge.errors import LoweringError
from hvit_edge.lowering import export_graph, rewrite
from hvit_edge.lowering.functionalize import HARMLESS

X = torch.randn(2, 4, 6, 6)
MASK = torch.rand(6, 6) > 0.5
ROWS, COLUMNS = torch.tensor([0, 1]), torch.tensor([1, 3])


def plus(function):
    """Apply `function` to a new tensor, to which it may write."""
    return lambda x: function(x + 0.5)


def augmented(y):
    y += 1
    y -= 0.5
    y *= 3
    y /= 2
    return y


def into_slice(y):
    y[:, 1:3] = y[:, :2] * 2
    y[..., 0] = 7
    y[:, 0, ::2] += 1
    return y


def through_view(y):
    """The map changes where its rows are written to."""
    rows = y.view(2, 4, 36)
    rows[:, :, 5:9].zero_()
    y.permute(0, 2, 3, 1)[..., 1].mul_(2)
    return y + rows.sum()


def clone_stays(y):
    kept = y.clone()
    kept[:, 0] = 0
    return y + kept


def copy_or_view(y):
    """`contiguous` copies a permuted tensor and no other."""
    same, moved = y.contiguous(), y.transpose(2, 3).contiguous()
    same[0] += 1
    moved[1] -= 1
    return y + same + moved


def read_before_written(y):
    before = y[:, 0] * 1
    view = y[:, 0]
    y.relu_()
    return before + view


def mask_of_ones(y):
    mask = torch.ones(6, 6)
    mask[2:4] = 0
    mask[:, 3].fill_(0.5)
    return y * mask


def chunks(y):
    first, second = y.chunk(2, 1)
    first.add_(second)
    second.neg_()
    return y


def out_argument(y):
    result = torch.empty_like(y)
    torch.add(y, 1, out=result)
    return result


def twice(y):
    """Two names of one tensor."""
    other = y
    other.mul_(2)
    y.add_(1)
    return other


IN_PLACE = {
    "relu": plus(lambda y: F.relu(y, inplace=True)),
    "relu_ method": plus(lambda y: y.relu_()),
    "relu6": plus(lambda y: F.relu6(y, inplace=True)),
    "silu": plus(lambda y: F.silu(y, inplace=True)),
    "mish": plus(lambda y: F.mish(y, inplace=True)),
    "hardswish": plus(lambda y: F.hardswish(y, inplace=True)),
    "hardsigmoid": plus(lambda y: F.hardsigmoid(y, inplace=True)),
    "hardtanh": plus(lambda y: F.hardtanh(y, -2, 2, inplace=True)),
    "leaky": plus(lambda y: F.leaky_relu(y, 0.1, inplace=True)),
    "elu": plus(lambda y: F.elu(y, inplace=True)),
    "celu": plus(lambda y: F.celu(y, inplace=True)),
    "selu": plus(lambda y: F.selu(y, inplace=True)),
    "threshold": plus(lambda y: F.threshold(y, 0.1, -1, inplace=True)),
    "sigmoid": plus(lambda y: y.sigmoid_()),
    "clamp": plus(lambda y: y.clamp_(-0.5, 0.5).clamp_min_(-0.2).clamp_max_(0.4)),
    "arithmetic": plus(lambda y: y.add_(1).sub_(2).mul_(3).div_(4).neg_().abs_().exp_().sqrt_()),
    "alpha": plus(lambda y: y.add_(y * 2, alpha=3).addcmul_(y * 1, y * 2, value=0.5)),
    "augmented": plus(augmented),
    "masked fill": plus(lambda y: y.masked_fill_(MASK, -9)),
    "index put": plus(lambda y: y.index_put_((ROWS, COLUMNS), y[0, 0] * 2)),
    "zero and fill": plus(lambda y: y[:, 0].zero_() + y[:, 1].fill_(3) + y.sum(1)),
    "into slice": plus(into_slice),
    "through view": plus(through_view),
    "clone stays": plus(clone_stays),
    "copy or view": plus(copy_or_view),
    "read before written": plus(read_before_written),
    "mask of ones": plus(mask_of_ones),
    "chunks": plus(chunks),
    "twice": plus(twice),
    "squeeze": plus(lambda y: y.unsqueeze_(0).squeeze_(0).transpose_(1, 2)),
    "scatter": plus(lambda y: y.scatter_(1, torch.zeros(2, 1, 6, 6, dtype=torch.long), 5.0)),
    "triangle": plus(lambda y: y.tril_().triu_(-3)),
    "dropout": plus(lambda y: F.dropout(y, 0.5, training=False, inplace=True)),
    "input": lambda x: x.sub_(1).div_(2).relu(),
    "slice of input": lambda x: x[:, :1].zero_() + x,
    "input as result": lambda x: x.mul_(2),
}


def writers(graph):
    """The operators that write to an argument, and the blocks that might."""
    return [
        str(node.target)
        for node in graph.graph.nodes
        if node.op == "call_function"
        and node.target not in HARMLESS
        and (not hasattr(node.target, "_schema") or node.target._schema.is_mutable)
        and "getitem" not in str(node.target)
    ]


class Each(nn.Module):
    """The result of every function, each given a tensor of its own."""

    def __init__(self, functions) -> None:
        super().__init__()
        self.functions = functions

    def forward(self, *inputs):
        return [function(x) for function, x in zip(self.functions, inputs, strict=True)]


@torch.inference_mode()
def test_writes_are_done_out_of_place():
    """All functions share one graph, because one export each would take half a minute."""
    module = Each(list(IN_PLACE.values())).eval()
    graph = export_graph(module, tuple(X.clone() for _ in IN_PLACE))
    assert writers(graph) == []
    given = [X.clone() for _ in IN_PLACE]
    results = graph(*given)
    rewrite(graph)
    rewritten = graph(*given)
    for name, function, x, *actual in zip(
        IN_PLACE, module.functions, given, results, rewritten, strict=True
    ):
        assert torch.equal(x, X), f"{name}: the graph wrote to its input"
        expected = function(X.clone())
        assert torch.equal(actual[0], expected), name
        torch.testing.assert_close(actual[1], expected, rtol=1e-5, atol=1e-5, msg=name)


class Block(nn.Module):
    """Convolution, norm, activation and attention over tokens, in place or not."""

    def __init__(self, inplace: bool) -> None:
        super().__init__()
        self.inplace = inplace
        self.conv = nn.Conv2d(4, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.act = nn.SiLU(inplace=inplace)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.token_norm = nn.LayerNorm(8)
        self.drop = nn.Dropout(0.1, inplace=inplace)

    def forward(self, x):
        x = self.act(self.norm(self.conv(x)))
        tokens = self.token_norm(x.flatten(2).transpose(1, 2))
        mixed = self.drop(self.attention(tokens, tokens, tokens, need_weights=False)[0])
        if self.inplace:
            mixed += tokens
        else:
            mixed = mixed + tokens
        return mixed.reshape(2, 6, 6, -1).chunk(2, -1)[0].mean((1, 2))


def described(graph):
    return [
        (str(node.target), [list(n.meta["val"].shape) for n in node.all_input_nodes])
        for node in graph.graph.nodes
        if node.op == "call_function"
    ]


def test_twins_become_the_same_graph():
    torch.manual_seed(0)
    plain, inplace = Block(False).eval(), Block(True).eval()
    inplace.load_state_dict(plain.state_dict())
    graphs = [export_graph(module, (X,)) for module in (plain, inplace)]
    for graph in graphs:
        rewrite(graph)
    assert described(graphs[0]) == described(graphs[1])
    assert torch.equal(graphs[0](X), graphs[1](X))


def test_composites_modules_and_lines_are_kept():
    graph = export_graph(Block(True).eval(), (X,))
    nodes = {str(node.target): node for node in graph.graph.nodes if node.op == "call_function"}
    for kept in ("batch_norm.default", "silu.default", "layer_norm.default", "linear.default"):
        assert f"aten.{kept}" in nodes
    norm = nodes["aten.batch_norm.default"]
    assert list(norm.meta["nn_module_stack"].values())[-1][0] == "norm"
    assert "in forward" in norm.meta["stack_trace"]
    assert norm.meta["val"].shape == (2, 8, 6, 6)


def test_a_program_that_writes_nothing_stays_operator_for_operator():
    module = Block(False).eval()
    with torch.no_grad():
        plain = torch.export.export(module, (X,)).module(check_guards=False)
    assert export_graph(module, (X,)).code == plain.code


class Blocks(nn.Module):
    """Has blocks of other modes, which torch.export turns into nested graphs."""

    def forward(self, x):
        with torch.enable_grad():
            y = x * 2
        with torch.autocast("cpu", enabled=False):
            return y + x


def test_blocks_are_written_out():
    graph = export_graph(Blocks().eval(), (X,))
    assert [str(node.target) for node in graph.graph.nodes if node.op == "call_function"] == [
        "aten.mul.Tensor",
        "aten.add.Tensor",
    ]


class Keeps(nn.Module):
    """Writes to its own state."""

    def __init__(self, write) -> None:
        super().__init__()
        self.write = write
        self.register_buffer("count", torch.zeros(1))
        self.inner = nn.Module()
        self.inner.register_buffer("cache", torch.zeros(2, 4, 6, 6))
        self.weight = nn.Parameter(torch.ones(1))
        self.attribute = torch.zeros(1)

    def forward(self, x):
        self.write(self, x)
        return x * self.weight + self.count + self.inner.cache + self.attribute


KEEPS = {
    "count": lambda m, x: m.count.add_(1),
    "inner.cache": lambda m, x: m.inner.cache[:, 0].copy_(x[:, 0]),
    "count, inner.cache": lambda m, x: (m.count.add_(1), m.inner.cache.copy_(x)),
    "weight": lambda m, x: m.weight.clamp_(0, 0.5),
    "attribute": lambda m, x: m.attribute.add_(1),
}


@pytest.mark.parametrize("name", KEEPS)
def test_state_is_refused_by_name(name):
    with pytest.raises(LoweringError, match=rf"\[export_graph\].*writes to {name} in forward"):
        export_graph(Keeps(KEEPS[name]).eval(), (X,))
