"""Functions of one tensor and arithmetic of two, against float64, in float32 and float16."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from hvit_edge.targets.native.values import Number

FLOAT = 2e-6  # of the largest output
HALF = 2e-3

X = torch.cat([torch.linspace(-12, 12, 241), torch.tensor([0.0, -0.0, 1e-8, -1e-8, 1e-3, 30, -30])])
POSITIVE = X.abs() + 1e-3

FUNCTIONS = {
    "sigmoid": torch.sigmoid,
    "hardsigmoid": functional.hardsigmoid,
    "hardswish": functional.hardswish,
    "relu6": functional.relu6,
    "hardtanh": lambda x: functional.hardtanh(x, -0.5, 2.0),
    "clamp from": lambda x: x.clamp(min=-0.75),
    "clamp to": lambda x: x.clamp(max=1.25),
    "clamp_min": lambda x: torch.clamp_min(x, 0.0),
    "clamp_max": lambda x: torch.clamp_max(x, -1.0),
    "tanh": torch.tanh,
    "gelu by tanh": lambda x: functional.gelu(x, approximate="tanh"),
    "leaky relu": lambda x: functional.leaky_relu(x, 0.2),
    "elu": lambda x: functional.elu(x, 0.7),
    "selu": functional.selu,
    "celu": lambda x: functional.celu(x, 1.5),
    "softplus": lambda x: functional.softplus(x, 2.0),
    "mish": functional.mish,
    "logsigmoid": functional.logsigmoid,
    "softsign": functional.softsign,
    "tanhshrink": functional.tanhshrink,
    "abs": torch.abs,
    "negative": torch.neg,
    "square": torch.square,
    "power": lambda x: x**3,
    "even power": lambda x: x**4,
    "sine": torch.sin,
    "cosine": torch.cos,
    "erf": torch.erf,
    "floor": torch.floor,
    "ceil": torch.ceil,
    "round": torch.round,
    "sign": torch.sign,
    "plus a number": lambda x: x + 1.5,
    "minus a number": lambda x: x - 1.5,
    "a number minus": lambda x: 1 - x,
    "a number times": lambda x: 2.5 * x,
    "plus alpha": lambda x: torch.add(x, 2, alpha=0.5),
    "times itself": lambda x: x * x,
    "plus itself": lambda x: x + x,
    "addcmul": lambda x: torch.addcmul(x, x[:1], x, value=0.5),
    "addcdiv": lambda x: torch.addcdiv(x, x, x.abs() + 1, value=2),
    "glu": lambda x: functional.glu(x[..., :246], -1),
}
OF_POSITIVES = {
    "exp": lambda x: torch.exp(x / 4),
    "log": torch.log,
    "sqrt": torch.sqrt,
    "rsqrt": torch.rsqrt,
    "reciprocal": torch.reciprocal,
    "root": lambda x: x**0.5,
    "inverse root": lambda x: x**-0.5,
    "any power": lambda x: x**1.3,
    "a number over": lambda x: 3 / (x + 1),
    "a number to it": lambda x: 2.0 ** (x / 4),
}


@pytest.mark.slow
@pytest.mark.parametrize("number", Number)
def test_functions(number, run_each):
    cases = {name: (function, X) for name, function in FUNCTIONS.items()}
    cases |= {name: (function, POSITIVE) for name, function in OF_POSITIVES.items()}
    if number is Number.FLOAT16:  # does not hold them
        del cases["power"], cases["even power"]
    for name, ran in run_each(cases, number).items():
        assert ran.error < (FLOAT if number is Number.FLOAT32 else HALF), name


def test_functions_far_from_zero(run_native, call):
    x = torch.tensor([[-1e30, -3e4, -200.0, -89.0, 89.0, 200.0, 3e4, 1e30]])
    same = torch.sigmoid, torch.tanh, functional.hardswish, functional.mish, functional.softplus
    ran = run_native(call(lambda x: torch.cat([f(x) for f in same])), x)
    assert np.isfinite(ran.output).all()
    assert np.allclose(ran.output, ran.expected, rtol=3e-6, atol=1e-30)


def test_exp_overflows_and_vanishes_as_it_should(run_native, call):
    x = torch.tensor([[-200.0, -104.0, -87.0, 0.0, 88.0, 89.0, 200.0]])
    found = run_native(call(torch.exp), x).output
    assert np.isinf(found[0, -2:]).all() and (found[0, :2] == 0).all()
    assert np.allclose(found[0, 2:5], np.exp(x[0, 2:5].double()), rtol=3e-6)


BINARY = {
    "sum": torch.add,
    "difference": torch.sub,
    "product": torch.mul,
    "quotient": lambda a, b: a / (b.abs() + 0.5),
    "maximum": torch.maximum,
    "minimum": torch.minimum,
    "power": lambda a, b: (a.abs() + 0.5) ** b,
}
SHAPES = [
    ((1, 20, 5, 7), (1, 20, 1, 1)),
    ((1, 20, 5, 7), (1, 1, 5, 7)),
    ((1, 20, 5, 7), (7,)),
    ((1, 20, 5, 1), (1, 1, 1, 7)),
    ((2, 1, 9), (1, 4, 9)),
    ((3, 5), (3, 1)),
    ((1, 1), (6, 1)),
    ((5, 33), ()),
]


@pytest.mark.slow
@pytest.mark.parametrize("number", Number)
def test_arithmetic(number, run_each):
    """Products of every pair of shapes, the others of some pairs each."""

    def of_halves(function, left, right):
        count = torch.Size(left).numel()
        return lambda x: function(x[:count].reshape(left), x[count:].reshape(right))

    cases = {
        f"{name} {left} {right}": (
            of_halves(function, left, right),
            torch.randn(torch.Size(left).numel() + torch.Size(right).numel()).clamp(-2, 2),
        )
        for turn, (name, function) in enumerate(BINARY.items())
        for left, right in (SHAPES if name == "product" else SHAPES[turn % 3 :: 3])
    }
    for name, ran in run_each(cases, number).items():
        assert ran.error < (FLOAT if number is Number.FLOAT32 else HALF), name


@pytest.mark.parametrize("number", Number)
def test_maps_and_gates(number, run_native, call):
    """Squeeze and excitation gathers nothing but the output."""

    def forward(x, conv, squeeze, excite):
        x = functional.hardswish(conv(x))
        gate = functional.hardsigmoid(excite(functional.relu(squeeze(x.mean((2, 3), True)))))
        return (x * gate).flatten(2).transpose(1, 2)

    modules = {
        "conv": nn.Conv2d(9, 24, 3),
        "squeeze": nn.Conv2d(24, 8, 1),
        "excite": nn.Conv2d(8, 24, 1),
    }
    ran = run_native(call(forward, **modules), torch.randn(1, 9, 8, 9), number)
    assert ran.error < (FLOAT if number is Number.FLOAT32 else HALF)
    assert ran.kinds["Binary"] == 1 and ran.kinds["Linear"] == 2
    assert ran.kinds["Gather"] <= 1 and "Unary" not in ran.kinds


LATER = {
    "sigmoid": nn.Sigmoid,
    "hardsigmoid": nn.Hardsigmoid,
    "hardswish": nn.Hardswish,
    "relu6": nn.ReLU6,
    "tanh": nn.Tanh,
    "gelu by tanh": lambda: nn.GELU("tanh"),
}


class Activated(nn.Module):
    """An activation after all layers, after the first sum and after the second."""

    def __init__(self, act: nn.Module) -> None:
        super().__init__()
        self.act = act
        self.conv, self.wide = nn.Conv2d(9, 21, 3), nn.Conv2d(21, 21, 3, 1, 1)
        self.depthwise = nn.Conv2d(21, 21, 3, 1, 1, groups=21)
        self.linear, self.norm = nn.Linear(21, 21), nn.LayerNorm(21)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.act(self.conv(x))
        x = self.act(self.act(self.wide(x)) + x)
        tokens = self.act(self.depthwise(x)).flatten(2).transpose(1, 2)
        return self.act(self.norm(self.act(self.linear(tokens)) + tokens))


@pytest.mark.slow
@pytest.mark.parametrize("number", Number)
def test_activations_inside_of_layers(number, run_each):
    cases = {name: (Activated(kind()), (1, 9, 8, 13)) for name, kind in LATER.items()}
    for name, ran in run_each(cases, number).items():
        assert ran.error < (1e-5 if number is Number.FLOAT32 else 5 * HALF), name
        assert not {"Unary", "Add", "Binary"} & set(ran.kinds), name


@pytest.mark.parametrize("channels", [32, 24])
def test_activations_of_inverted_residuals(channels, run_native):
    modules = nn.Sequential(
        nn.Conv2d(16, channels, 1),
        nn.Hardswish(),
        nn.Conv2d(channels, channels, 3, 1, 1, groups=channels),
        nn.ReLU6(),
        nn.Conv2d(channels, 12, 1),
    )
    ran = run_native(modules, torch.randn(1, 16, 9, 20))
    assert ran.error < FLOAT and ran.kinds["InvertedResidual"] == 1


def test_a_scale_of_a_layer_is_part_of_it(run_native, call):
    def forward(x, conv, linear):
        x = conv(x) * torch.linspace(-1, 2, 12).reshape(1, 12, 1, 1)
        tokens = x.flatten(2).transpose(1, 2)
        return tokens + linear(tokens) * torch.linspace(0.5, 3, 12)

    modules = {"conv": nn.Conv2d(9, 12, 3), "linear": nn.Linear(12, 12, bias=False)}
    ran = run_native(call(forward, **modules), torch.randn(1, 9, 8, 13))
    assert ran.error < FLOAT
    assert "Binary" not in ran.kinds


def test_a_scale_that_is_not_of_columns_is_no_part_of_a_layer(run_native, call):
    def forward(x, linear):
        return linear(x) * torch.linspace(0.5, 3, 7).reshape(7, 1)

    ran = run_native(call(forward, linear=nn.Linear(9, 12)), torch.randn(1, 7, 9))
    assert ran.error < FLOAT and ran.kinds["Binary"] == 1


def test_slopes_and_fills(run_each):
    prelus = {slopes: nn.PReLU(slopes) for slopes in (1, 12)}
    for prelu in prelus.values():
        nn.init.uniform_(prelu.weight, -1, 1)
    mask = torch.tensor([[True, False, False], [False, False, True]])
    cases = {f"{slopes} slopes": (prelu, (1, 12, 5, 6)) for slopes, prelu in prelus.items()}
    cases |= {
        "minus infinity": (lambda x: x.masked_fill(mask, -torch.inf).softmax(-1), (4, 2, 3)),
        "infinity": (lambda x: x.masked_fill(mask, torch.inf).clamp(-9, 9), (4, 2, 3)),
        "a number": (lambda x: x.masked_fill(mask, 0.5), (4, 2, 3)),
    }
    for name, ran in run_each(cases).items():
        assert ran.error < FLOAT, name


@pytest.mark.parametrize("position", ["after a layer", "of a map that is read twice"])
def test_a_constant_map_is_stored_in_the_layout_of_the_map_that_it_is_added_to(
    position, run_native, call
):
    offset = torch.randn(1, 16, 7, 5)

    def forward(x, first, second):
        y = first(x)
        if position == "after a layer":
            return second(y + offset).mean((2, 3))
        return second(torch.relu(y) * 2 + (y + offset)).mean((2, 3))

    module = call(forward, first=nn.Conv2d(8, 16, 1), second=nn.Conv2d(16, 8, 1))
    ran = run_native(module, torch.randn(1, 8, 7, 5))
    assert ran.error < 3e-6
    assert ran.kinds["Transpose"] == 1  # of the input
    assert ran.kinds["Gather"] == 0
