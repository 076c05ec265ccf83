import pytest
import torch
from torch.nn import functional as F

GENERATOR = torch.Generator().manual_seed(0)
IMAGE = torch.randn(1, 4, 6, 10, generator=GENERATOR)

UNARY = {
    "relu": torch.relu,
    "silu": F.silu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "exp": torch.exp,
    "abs": torch.abs,
    "erf": torch.erf,
    "sqrt": lambda x: torch.sqrt(x * x + 0.1),
    "rsqrt": lambda x: torch.rsqrt(x * x + 0.1),
    "relu6": lambda x: F.relu6(4 * x),
    "gelu": F.gelu,
    "gelu with tanh": lambda x: F.gelu(x, approximate="tanh"),
    "hardtanh": lambda x: F.hardtanh(2 * x),
    "hardtanh with bounds": lambda x: F.hardtanh(4 * x, -3.0, 2.0),
    "clamp": lambda x: torch.clamp(4 * x, -3.0, 2.0),
    "clamp from below": lambda x: torch.clamp(4 * x, min=-0.5),
    "clamp from above": lambda x: torch.clamp(4 * x, max=0.5),
    "clamp to positive": lambda x: torch.clamp(4 * x, 0),
}


@pytest.mark.parametrize("name", UNARY)
def test_unary(name, call, agrees):
    """On tokens of a map, which stay where they are."""
    count = agrees(call(lambda x: UNARY[name](x.flatten(2).transpose(1, 2))), IMAGE)
    assert (count["transpose"], count["reshape"]) == (1, 1)  # of the logits


def test_kinds_of_gelu_differ(call, translation):
    modes = []
    for approximate in ("none", "tanh"):
        translated = translation(call(lambda x, a=approximate: F.gelu(x, approximate=a)), IMAGE)
        (op,) = translated.program.functions["main"].find_ops(op_type="gelu")
        modes.append(op.mode.val)
    assert modes == ["EXACT", "TANH_APPROXIMATION"]


NUMBERS = {
    "add": lambda x: x + 2,
    "add on the left": lambda x: 2.5 + x,
    "subtract": lambda x: x - 0.75,
    "multiply": lambda x: x * -3,
    "multiply on the left": lambda x: 3 * x,
    "divide": lambda x: x / 7,
}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers(name, call, agrees):
    count = agrees(call(NUMBERS[name]), IMAGE)
    assert sum(count.values()) == 2  # the operator and the reshape of the logits


BINARY = {
    "add": torch.add,
    "subtract": torch.sub,
    "multiply": torch.mul,
    "divide": torch.div,
    "maximum": torch.maximum,
    "minimum": torch.minimum,
}
VIEWS = {
    "map": lambda x: x,
    "channels last": lambda x: x.permute(0, 2, 3, 1),
    "tokens": lambda x: x.flatten(2).transpose(1, 2),
    "normalised": lambda x: F.layer_norm(x.reshape(1, 60, 4), (4,)),
}
CONSTANTS = {
    "map": [(), (1,), (10,), (4, 1, 1), (6, 1), (1, 4, 6, 10)],
    "channels last": [(4,), (10, 4), (1, 6, 1, 1), (1, 6, 10, 4)],
    "tokens": [(4,), (60, 1), (1, 60, 4)],
    "normalised": [(4,), (60, 1), (1, 60, 4)],
}


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize(
    ("view", "shape"), [(view, shape) for view, shapes in CONSTANTS.items() for shape in shapes]
)
def test_constants_on_either_side(view, shape, side, call, agrees):
    constant = 2 + torch.rand(shape, generator=torch.Generator().manual_seed(1))

    def forward(x, constant):
        x = 1.5 + torch.sigmoid(VIEWS[view](x))  # nothing is divided by zero
        return torch.div(*((x, constant) if side == "right" else (constant, x)))

    agrees(call(forward, constant), IMAGE)


SMALLER = {
    "scale a channel": lambda x: (x, x.mean((2, 3), keepdim=True)),
    "scale a pixel": lambda x: (x, x.mean(1, keepdim=True)),
    "left is smaller": lambda x: (x.mean(1, keepdim=True) + 3, x),
    "fewer dimensions": lambda x: (x, x[0, 0]),
    "other order": lambda x: (x[:, :, :4, :4], x[:, :, :4, :4].transpose(1, 2)),
    "outer product": lambda x: (x.mean(2, keepdim=True), x.mean(3, keepdim=True)),
    "outer product of ranks": lambda x: (x[0, :, :1], x[0, 0, :, :1]),
    "itself": lambda x: (x, x),
}


@pytest.mark.parametrize("operator", BINARY)
@pytest.mark.parametrize("name", SMALLER)
def test_two_tensors(name, operator, call, agrees):
    agrees(call(lambda x: BINARY[operator](*SMALLER[name](x.abs() + 1))), IMAGE)


@pytest.mark.parametrize("side", ["left", "right"])
def test_constant_has_the_full_shape(side, call, agrees):
    """Position embeddings added to a single row."""
    constant = torch.randn(1, 6, 7, generator=torch.Generator().manual_seed(1))

    def forward(x, constant):
        row = x.reshape(1, 1, 240)[:, :, :7]
        return row - constant if side == "right" else constant - row

    agrees(call(forward, constant), IMAGE)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("dim", [0, 1, 2, -1])
def test_softmax(dim, view, call, agrees):
    agrees(call(lambda x: F.softmax(VIEWS[view](3 * x), dim) - 0.1), IMAGE)


def test_softmax_along_a_part_of_an_axis(call, agrees):
    agrees(call(lambda x: F.softmax(x.reshape(1, 4, 2, 3, 10), 3)), IMAGE)


MATMULS = {
    "same rank": (lambda x: x @ x.transpose(2, 3), ()),
    "constant": (lambda x, c: x @ c, (10, 3)),
    "constant on the left": (lambda x, c: c @ x, (3, 6)),
    "batched": (lambda x: torch.bmm(x[0], x[0].transpose(1, 2)), ()),
    "tokens": (lambda x: x.flatten(2) @ x.flatten(2).transpose(1, 2), ()),
}


@pytest.mark.parametrize("name", MATMULS)
def test_matmul(name, call, agrees):
    function, shape = MATMULS[name]
    constants = [torch.randn(shape)] if shape else []
    assert agrees(call(function, *constants), IMAGE)["matmul"] == 1
