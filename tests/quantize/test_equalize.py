"""Scales that move between layers: exact, counted by hand, and the same for every spread."""

import pytest
import torch
from torch import nn
from torch.fx import GraphModule

from hvit_edge import create_model
from hvit_edge.lowering.graph import cleanup, constant_tensor, is_constant
from hvit_edge.quantize.equalize import equalize

from .rescale import rescale

EXACT = 1e-9  # relative, in float64: every weight is rounded once more
SIDE = 64

# Who writes channels that something else can take the inverse of, by architecture.
PAIRS = {
    # values of 9 transformers, 3 norms before `unembed`, 3 narrowing convolutions of the second
    # stage, 3 in front of MobileViT blocks; xs: 1 more, its first residual has no skip
    "mobilevit_xxs": 9 + 3 + 3 + 3,
    "mobilevit_xs": 9 + 3 + 3 + 3 + 1,
    # stem, 23 bottlenecks of 3, 4 projections of skips, 11 `to_map`, values of 12 transformers
    "conformer_ti": 1 + 23 * 3 + 4 + 11 + 12,
    # stem; values and `local` of 2 branches of 7 blocks and of the last block; 4 norms of stages
    "shunted_t": 1 + 7 * 2 * 2 + 2 + 4,
    # values and first norms of 12 blocks (their windows hide channels from `fold_norm_affine`),
    # and the last norm
    "swin_t": 12 + 12 + 1,
}


def outputs(module: nn.Module, x: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        return module(x)


def relative_error(expected: torch.Tensor, actual: torch.Tensor) -> float:
    return float((actual - expected).abs().max() / expected.abs().max())


def constants(graph: GraphModule) -> dict[tuple[str, int], torch.Tensor]:
    """The constants by the name of their reader and their place among what it reads."""
    return {
        (node.name, place): constant_tensor(graph, source)
        for node in graph.graph.nodes
        for place, source in enumerate(node.all_input_nodes)
        if is_constant(source)
    }


def largest_difference(one: GraphModule, other: GraphModule) -> float:
    """Compare two graphs of one structure, relative to the largest value of each constant."""
    ours, theirs = constants(one), constants(other)
    assert ours.keys() == theirs.keys()
    return max(relative_error(ours[key], theirs[key]) for key in ours)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """The operators are too small to share, and other tests may want the cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module", params=PAIRS)
def family(request):
    model = create_model(request.param, weights="random", input_size=(SIDE, SIDE)).double()
    return request.param, model


@pytest.fixture(scope="module")
def image() -> torch.Tensor:
    return torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1)).double()


def test_rescaled_model_computes_the_same(family, image):
    _, model = family
    expected = outputs(model, image)
    assert relative_error(expected, outputs(rescale(model), image)) < EXACT
    rescaled = rescale(model).state_dict()
    exponents = torch.cat(
        [
            (rescaled[name] / value)[value != 0].log2()
            for name, value in model.state_dict().items()
            if value.dim() == 1 and not torch.equal(rescaled[name], value)
        ]
    )
    assert -5.01 < exponents.min() < -4.9 and 4.9 < exponents.max() < 5.01


@pytest.mark.slow
def test_families(family, image, graph_of, record_property):
    """Exact, as many pairs as counted, and one result for two spreads of the same function."""
    name, model = family
    expected = outputs(model, image)
    graph, other = graph_of(model, image), graph_of(rescale(model, scores=False), image)
    assert equalize(graph) == PAIRS[name]
    assert equalize(other) == PAIRS[name]
    errors = [relative_error(expected, outputs(each, image)) for each in (graph, other)]
    difference = largest_difference(graph, other)
    record_property(
        "measured", f"equalize {name}: outputs {max(errors):.1e}, weights {difference:.1e} relative"
    )
    assert max(errors) < EXACT
    assert difference < EXACT
    assert torch.equal(expected, outputs(model, image)), "the module has changed"


class Network(nn.Module):
    """`function(module, x)` with layers to call by name."""

    def __init__(self, function, **layers: nn.Module) -> None:
        super().__init__()
        self.function = function
        for name, layer in layers.items():
            setattr(self, name, layer)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(self, x)


def chain(first: nn.Module, between, last: nn.Module) -> nn.Module:
    return Network(lambda m, x: m.last(between(m.first(x))), first=first, last=last)


def spread(module: nn.Module) -> nn.Module:
    """Weights whose rows differ by orders of magnitude, so that every scale has to move."""
    generator = torch.Generator().manual_seed(2)
    for value in module.parameters():
        rows = torch.rand(len(value), generator=generator) * 8 - 4
        value.data = value.data * 2 ** rows.reshape(-1, *[1] * (value.dim() - 1))
    return module.double().eval()


MAP, TOKENS = (1, 4, 6, 6), (1, 6, 8)


def convolutions(between=lambda x: x, **last) -> nn.Module:
    return chain(nn.Conv2d(4, 8, 3, padding=1), between, nn.Conv2d(8, 4, 3, **last))


def residual(m: nn.Module, x: torch.Tensor) -> torch.Tensor:
    stream = m.first(x)
    for layer in (m.second, m.third):
        stream = torch.relu(stream + layer(stream))
    return m.last(stream)


def values(m: nn.Module, x: torch.Tensor) -> torch.Tensor:
    query, key, value = m.qkv(x).chunk(3, -1)
    return m.last(nn.functional.scaled_dot_product_attention(query, key, value))


def concatenated(m: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return m.last(torch.cat((m.first(x), torch.sigmoid(m.second(x))), 1))


# A module, the shape of its input, and how many of its layers write what can be rescaled.
FREE = {
    "nothing between": (lambda: convolutions(), MAP, 1),
    "relu": (lambda: convolutions(torch.relu), MAP, 1),
    "product with a number": (lambda: convolutions(lambda x: 0.5 * x), MAP, 1),
    "max pool": (lambda: convolutions(nn.MaxPool2d(3, 2, 1)), MAP, 1),
    "average pool": (lambda: convolutions(nn.AvgPool2d(2), padding=1), MAP, 1),
    "repetition": (lambda: convolutions(nn.Upsample(scale_factor=2)), MAP, 1),
    "interpolation": (lambda: convolutions(nn.UpsamplingBilinear2d((5, 7))), MAP, 1),
    "padding": (lambda: convolutions(nn.ZeroPad2d((1, 2, 0, 3))), MAP, 1),
    "depthwise reader": (
        lambda: chain(nn.Conv2d(4, 8, 1), torch.relu, nn.Conv2d(8, 16, 3, groups=8)), MAP, 1,
    ),
    "grouped reader": (lambda: convolutions(groups=2), MAP, 1),
    "depthwise writer": (
        lambda: chain(nn.Conv2d(4, 4, 3, groups=4), torch.relu, nn.Conv2d(4, 8, 1)), MAP, 1,
    ),
    "average over positions": (
        lambda: chain(nn.Conv2d(4, 8, 3), lambda x: x.mean((2, 3)), nn.Linear(8, 5)), MAP, 1,
    ),
    "average over tokens": (
        lambda: chain(nn.LayerNorm(8), lambda x: x.mean(1), nn.Linear(8, 5)), TOKENS, 1,
    ),
    "views of tokens": (
        lambda: chain(
            nn.Linear(8, 4), lambda x: x.reshape(1, 2, 3, 4).permute(0, 3, 1, 2), nn.Conv2d(4, 8, 2)
        ), TOKENS, 1,
    ),
    "norm before a padded convolution": (
        lambda: chain(
            nn.LayerNorm(8), lambda x: x.mT.reshape(1, 8, 2, 3), nn.Conv2d(8, 4, 3, padding=1)
        ), TOKENS, 1,
    ),
    "constant added": (
        lambda: chain(nn.Linear(8, 4), lambda x: x + torch.arange(4.0).to(x), nn.Linear(4, 3)),
        TOKENS, 1,
    ),
    "values of attention": (
        lambda: Network(values, qkv=nn.Linear(8, 24), last=nn.Linear(8, 4)), TOKENS, 1,
    ),
    "residual stream": (
        lambda: Network(
            residual, **{n: nn.Conv2d(4, 4, 1) for n in ("first", "second", "third", "last")}
        ), MAP, 3,
    ),
    "half of a concatenation": (
        lambda: Network(
            concatenated,
            first=nn.Conv2d(4, 6, 3), second=nn.Conv2d(4, 6, 3), last=nn.Conv2d(12, 4, 1),
        ), MAP, 1,
    ),
    "two writers side by side": (
        lambda: Network(
            lambda m, x: m.last(torch.cat((m.first(x), m.second(x)), 1)),
            first=nn.Linear(8, 4), second=nn.Linear(8, 4), last=nn.Linear(4, 3),
        ), TOKENS, 2,
    ),
    "a chain": (
        lambda: nn.Sequential(
            *(nn.Conv2d(4, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 6, 1), nn.ReLU()),
            *(nn.Conv2d(6, 4, 1), nn.Conv2d(4, 2, 3)),
        ), MAP, 3,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FREE)
def test_function_stays(name, graph_of):
    build, shape, pairs = FREE[name]
    module, x = spread(build()), torch.randn(shape, dtype=torch.float64)
    expected = outputs(module, x)
    graph, twice = graph_of(module, x), graph_of(module, x)
    before = constants(graph)
    assert equalize(graph) == equalize(twice) == pairs
    assert relative_error(expected, outputs(graph, x)) < EXACT
    after = constants(graph)
    moved = {key[0] for key in before if not torch.equal(before[key], after[key])}
    assert len(moved) > pairs, "each writer and its reader have to change"
    assert torch.equal(expected, outputs(module, x)), "the module has changed"
    assert equalize(twice) == pairs
    assert largest_difference(graph, twice) < EXACT, "a second run finds another balance"


NEAR_MISSES = {
    "gelu": (lambda: convolutions(nn.functional.gelu), MAP),
    "padding that is not zero": (
        lambda: convolutions(lambda x: nn.functional.pad(x, (1, 1), value=2.0)), MAP,
    ),
    "channels that nothing reads": (
        lambda: chain(nn.Linear(8, 4), lambda x: x[..., :2].sigmoid(), nn.Linear(2, 3)), TOKENS,
    ),
    "softmax": (lambda: chain(nn.Linear(8, 4), nn.Softmax(-1), nn.Linear(4, 2)), TOKENS),
    "reader that is no layer": (lambda: convolutions().first, MAP),
    "also the output": (
        lambda: Network(
            lambda m, x: (lambda y: (m.last(y), y))(m.first(x)),
            first=nn.Conv2d(4, 4, 1), last=nn.Conv2d(4, 4, 1),
        ), MAP,
    ),
    "also read by a sigmoid": (
        lambda: Network(
            lambda m, x: (lambda y: m.last(y) + y.sigmoid())(m.first(x)),
            first=nn.Conv2d(4, 4, 1), last=nn.Conv2d(4, 4, 1),
        ), MAP,
    ),
    "added to the input": (
        lambda: Network(
            lambda m, x: m.last(x + m.first(x)),
            first=nn.Conv2d(4, 4, 1), last=nn.Conv2d(4, 4, 1),
        ), MAP,
    ),
    "added to a constant where padded": (
        lambda: chain(
            nn.Linear(8, 4),
            lambda x: nn.functional.pad(x, (0, 0, 0, 2)) + torch.ones(8, 4).to(x),
            nn.Linear(4, 3),
        ), TOKENS,
    ),
    "added to a larger constant": (
        lambda: chain(
            nn.Linear(8, 4), lambda x: x[:, :1] + torch.ones(6, 1).to(x), nn.Linear(4, 3)
        ), TOKENS,
    ),
    "product with itself": (lambda: convolutions(lambda x: x * x), MAP),
    "norm after it": (
        lambda: nn.Sequential(nn.Linear(8, 8), nn.LayerNorm(8), nn.Linear(8, 4)), TOKENS,
    ),
    "queries and keys": (
        lambda: Network(
            lambda m, x: (lambda q, k: (q @ k.mT, m.last(q), m.last(k)))(m.first(x), m.second(x)),
            first=nn.Linear(8, 4), second=nn.Linear(8, 4), last=nn.Linear(4, 2),
        ), TOKENS,
    ),
    "left of a product": (
        lambda: Network(
            lambda m, x: (lambda y: y @ x + m.last(y))(m.first(x)),
            first=nn.Linear(8, 6), last=nn.Linear(6, 8),
        ), TOKENS,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_near_misses_are_left_alone(name, graph_of):
    build, shape = NEAR_MISSES[name]
    module, x = spread(build()), torch.randn(shape, dtype=torch.float64)
    graph = graph_of(module, x)
    cleanup(graph)
    before, values = graph.code, constants(graph)
    assert equalize(graph) == 0
    assert graph.code == before
    assert all(torch.equal(values[key], value) for key, value in constants(graph).items())


def test_balance_of_one_pair(graph_of):
    """Rows are as long as columns; the factor is the paper's, with Euclidean norms."""
    first, last = nn.Linear(8, 4, bias=False), nn.Linear(4, 3)
    module = spread(nn.Sequential(first, nn.ReLU(), last))
    graph = graph_of(module, torch.randn(TOKENS, dtype=torch.float64))
    equalize(graph)
    writer, reader = (
        constant_tensor(graph, node.args[1])
        for node in graph.graph.nodes
        if node.target is torch.ops.aten.linear.default
    )
    rows, columns = writer.norm(dim=1), reader.norm(dim=0)
    assert torch.allclose(rows, columns, rtol=1e-3)
    factor = (last.weight.norm(dim=0) / first.weight.norm(dim=1)).sqrt()
    assert torch.allclose(writer, first.weight * factor[:, None], rtol=1e-3)


def test_weights_that_cancel_do_not_count(graph_of):
    """Weights that read and write one channel are the same at any scale, however large."""
    module = Network(
        lambda m, x: (lambda y: m.last(y + m.local(y)))(m.first(x)),
        first=nn.Conv2d(4, 8, 1, bias=False),
        local=nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False),
        last=nn.Conv2d(8, 4, 1),
    ).double()
    module.local.weight.data *= 1e3
    graph = graph_of(module, torch.randn(MAP).double())
    assert equalize(graph) == 2
    writer, local, reader = (
        constant_tensor(graph, node.args[1])
        for node in graph.graph.nodes
        if node.target is torch.ops.aten.conv2d.default
    )
    assert torch.equal(local, module.local.weight)
    rows, columns = writer.flatten(1), reader.transpose(0, 1).flatten(1)
    assert torch.allclose(rows.norm(dim=1), columns.norm(dim=1), rtol=1e-3)


def test_bias_widens_a_channel(graph_of):
    first, last = nn.Linear(8, 4).double(), nn.Linear(4, 3).double()
    first.bias.data = 10 * first.weight.detach().norm(dim=1)
    graph = graph_of(nn.Sequential(first, nn.ReLU(), last), torch.randn(TOKENS).double())
    equalize(graph)
    node = next(n for n in graph.graph.nodes if n.target is torch.ops.aten.linear.default)
    weight, bias = (constant_tensor(graph, argument) for argument in node.args[1:])
    assert torch.allclose(bias, 10 * weight.norm(dim=1), rtol=1e-9)
    reader = last.weight.norm(dim=0) * first.weight.norm(dim=1) / weight.norm(dim=1)
    assert torch.allclose(weight.norm(dim=1) * 101**0.5, reader, rtol=1e-3)


@pytest.mark.parametrize("where", ["row", "column", "row and bias", "everything"])
def test_zeros(where, graph_of):
    first, last = nn.Linear(8, 4), nn.Linear(4, 3)
    zeroed = {
        "row": [first.weight.data[1]],
        "column": [last.weight.data[:, 1]],
        "row and bias": [first.weight.data[1], first.bias.data[1:2]],
        "everything": [first.weight.data, first.bias.data, last.weight.data],
    }
    for values in zeroed[where]:
        values.zero_()
    module = spread(nn.Sequential(first, nn.ReLU(), last))
    x = torch.randn(TOKENS, dtype=torch.float64)
    graph = graph_of(module, x)
    equalize(graph)
    assert all(value.isfinite().all() for value in constants(graph).values())
    assert relative_error(outputs(module, x), outputs(graph, x)) < EXACT


def test_weights_that_two_layers_share(graph_of):
    """One tensor read twice with two scales: each reader gets constants of its own."""
    module = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2))
    module[2].weight = module[0].weight
    module, x = spread(module), torch.randn(TOKENS, dtype=torch.float64)
    graph = graph_of(module, x)
    assert equalize(graph) == 2
    assert relative_error(outputs(module, x), outputs(graph, x)) < EXACT


def test_float32_stays_close(graph_of):
    module, x = spread(convolutions(torch.relu)).float(), torch.randn(MAP)
    graph = graph_of(module, x)
    equalize(graph)
    assert all(value.dtype is torch.float32 for value in constants(graph).values())
    assert relative_error(outputs(module, x), outputs(graph, x)) < 1e-5
