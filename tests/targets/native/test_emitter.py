"""Check which following operations a layer absorbs, and which it must not."""

import pytest
import torch
from torch import nn
from torch.nn.functional import gelu, pad, relu, silu

SUM = 2e-6
TOKENS = (1, 7, 17)


def layers(*columns):
    return {f"layer{i}": nn.Linear(17, count) for i, count in enumerate(columns)}


TAKEN_ON = {
    "residual": (lambda x, layer0: x + layer0(x), {"Linear": 1}),
    "residual, then activation": (lambda x, layer0: relu(x + layer0(x)), {"Linear": 1}),
    "activation, then residual": (lambda x, layer0: gelu(layer0(x)) + x, {"Linear": 1}),
    "both sides of the residual": (
        lambda x, layer0: relu(silu(layer0(x)) + x),
        {"Linear": 1},
    ),
    "sum of two layers": (lambda x, layer0, layer1: layer0(x) + layer1(x), {"Linear": 2}),
    "a row for all tokens": (lambda x, layer0: layer0(x) + x[:, :1], {"Linear": 1}),
    "cat along channels": (
        lambda x, layer0, layer1: torch.cat([layer0(x), layer1(x)], -1),
        {"Linear": 2, "Copy": 1},  # a cat is not yet written directly into the output
    ),
    "cat along tokens": (
        lambda x, layer0, layer1: torch.cat([layer0(x), layer1(x[:, 2:])], 1),
        {"Linear": 2, "Copy": 1},
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", TAKEN_ON)
def test_taken_on(name, run_native, call):
    function, kinds = TAKEN_ON[name]
    count = function.__code__.co_argcount - 1
    ran = run_native(call(function, **layers(*[17] * count)), torch.randn(TOKENS))
    assert ran.error < SUM
    assert ran.kinds == kinds


LEFT_ALONE = {
    "the value before its activation is read too": lambda x, layer0: (lambda y: relu(y) + 2 * y)(
        layer0(x)
    ),
    "a view is activated, the layer is read": lambda x, layer0: (
        lambda y: torch.cat([relu(y.reshape(1, 17, 7)).reshape(1, 7, 17), y], 1)
    )(layer0(x)),
    "two views, one is activated": lambda x, layer0: (
        lambda y: relu(y.transpose(1, 2)).transpose(1, 2) - y.reshape(1, 7, 17) * 3
    )(layer0(x)),
    "the same layer twice in a cat": lambda x, layer0: (lambda y: torch.cat([y, y], 1))(layer0(x)),
    "two views of a layer in a cat": lambda x, layer0: (
        lambda y: torch.cat([y.reshape(1, 7, 17), y.roll(1, 1)], 1)
    )(layer0(x)),
    "a layer and itself": lambda x, layer0: (lambda y: y + y)(layer0(x)),
    "a layer and its own view": lambda x, layer0: (lambda y: y + y.roll(2, 1))(layer0(x)),
    "a part of a layer": lambda x, layer0: relu(layer0(x)[:, 2:5]),
    "a sum of part of a layer": lambda x, layer0: layer0(x)[:, 2:5] + x[:, :3],
    "a repeated layer": lambda x, layer0: relu(layer0(x)[:, :1].expand(1, 7, 17)) + x,
    "sum, then sum": lambda x, layer0: (layer0(x) + x) + x.roll(1, 1),
    "activation of a sum of a sum": lambda x, layer0: relu(gelu(layer0(x) + x) + x.roll(1, 1)),
    "a difference": lambda x, layer0: layer0(x) - x,
    "a scale": lambda x, layer0: layer0(x) * 0.125,
    "a quotient": lambda x, layer0: layer0(x) / 3,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", LEFT_ALONE)
def test_right_where_a_layer_cannot_take_on_everything(name, run_native, call):
    ran = run_native(call(LEFT_ALONE[name], **layers(17)), torch.randn(TOKENS))
    assert ran.error < SUM


@pytest.mark.parametrize(("height", "width"), [(5, 1), (1, 5), (1, 1), (5, 7)])
@pytest.mark.parametrize("channels", [1, 8, 17])
def test_maps_leave_in_the_order_of_torch(height, width, channels, run_native):
    layer = nn.Conv2d(9, channels, 1)
    assert run_native(layer, torch.randn(1, 9, height, width)).error < SUM


def random_function(seed):
    """Views, sums, activations, cats and pads in some order, each of what came before."""
    generator = torch.Generator().manual_seed(seed)

    def pick(count):
        return int(torch.randint(count, (), generator=generator))

    choices = [(pick(10), pick(1000), pick(1000), pick(1000)) for _ in range(14)]

    def function(x, **linears):
        values = [x]
        for kind, a, b, c in choices:
            one, other = values[-1 - a % min(3, len(values))], values[b % len(values)]
            if kind <= 2:
                made = linears[f"layer{c % 3}"](one)
            elif kind == 3:
                made = [relu, silu, gelu][c % 3](one)
            elif kind == 4:
                made = one + other
            elif kind == 5:
                made = torch.roll(one, c % 5 + 1, 1)
            elif kind == 6:
                made = torch.cat([one[:, : c % 6 + 1], other[:, c % 6 + 1 :]], 1)
            elif kind == 7:
                made = one.reshape(1, 17, 7).transpose(1, 2)
            elif kind == 8:
                made = pad(one, (c % 3, 0, 0, c % 4))[:, -7:, :17]
            else:
                made = torch.cat([one[:, :, : c % 16 + 1], other[:, :, c % 16 + 1 :]], 2)
            values.append(made)
        return values[-1] + values[-2]

    return function


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_random_programs(seed, run_native, call):
    ran = run_native(call(random_function(seed), **layers(17, 17, 17)), torch.randn(TOKENS))
    assert ran.error < 5 * SUM
