"""The int8 operators against int8 arithmetic written out in numpy, with products in int32."""

import numpy as np
import pytest
import torch

from hvit_edge.quantize.int8_operators import CONV2D, LINEAR, POINTWISE, round_rows

FLOAT32_SUM = 2e-6  # of the largest sum of magnitudes: float32 against exact integer products


def integers(x: np.ndarray, axes: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """int32 steps from the one that stands for zero, and the size of a step of each row."""
    low = np.minimum(x.min(axes, keepdims=True), 0)
    high = np.maximum(x.max(axes, keepdims=True), 0)
    step = np.float32((high - low) / np.float32(255))
    step[step == 0] = 1
    zero = np.clip(np.rint(-128 - low.astype(np.float64) / step), -128, 127)
    steps = np.clip(np.rint(np.float32(x / step) + np.float32(zero)), -128, 127)
    return (steps - zero).astype(np.int32), step.astype(np.float64)


def convolved(x, weight, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1) -> np.ndarray:
    """Convolve [batch, channels, height, width] one output element after the other."""
    up, left = padding
    x = np.pad(x, ((0, 0), (0, 0), (up, up), (left, left)))
    outputs, inputs, *kernel = weight.shape
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    rows, columns = ((n - r) // s + 1 for n, r, s in zip(x.shape[2:], reach, stride, strict=True))
    y = np.zeros((len(x), outputs, rows, columns), x.dtype)
    for o, i, j in np.ndindex(outputs, rows, columns):
        first = o // (outputs // groups) * inputs
        top, start = i * stride[0], j * stride[1]
        patch = x[
            :,
            first : first + inputs,
            top : top + reach[0] : dilation[0],
            start : start + reach[1] : dilation[1],
        ]
        y[:, o, i, j] = (patch * weight[o]).sum((1, 2, 3))
    return y


def layer(outputs: int, *inputs: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Weights int8, scales of a hundredfold range, and a bias."""
    weight = torch.randint(-127, 128, (outputs, *inputs), dtype=torch.int8)
    return weight, 10 ** torch.empty(outputs).uniform_(-3, -1), torch.randn(outputs)


def along(channels: torch.Tensor, axis: int, rank: int) -> np.ndarray:
    shape = [1] * rank
    shape[axis] = -1
    return channels.double().numpy().reshape(shape)


def assert_sums_match(got: torch.Tensor, expected: np.ndarray, magnitude: np.ndarray) -> None:
    """Equal up to float32 sums; `magnitude` sums the absolute products of each element."""
    assert got.dtype == torch.float32
    assert got.shape == expected.shape
    assert (np.abs(got.double().numpy() - expected) <= FLOAT32_SUM * magnitude + 1e-30).all()


@pytest.mark.parametrize("shape", [(5, 24), (2, 3, 24), (2, 3, 5, 24)])
@pytest.mark.parametrize("with_bias", [True, False])
def test_linear(shape, with_bias):
    x, (weight, scales, bias) = torch.randn(shape) + 0.3, layer(7, 24)
    bias = bias if with_bias else torch.zeros(7)
    steps, size = integers(x.numpy(), (-1,))
    factors = size * along(scales, -1, len(shape))
    w = weight.numpy().astype(np.int32)
    expected = (steps @ w.T) * factors + bias.double().numpy()
    magnitude = (abs(steps) @ abs(w).T) * factors + bias.abs().double().numpy()
    got = LINEAR(x, weight, scales, bias if with_bias else None, False)
    assert_sums_match(got, expected, magnitude)
    positive = LINEAR(x, weight, scales, bias if with_bias else None, True)
    assert_sums_match(positive, np.maximum(expected, 0), magnitude)
    assert (positive == 0).any()


def test_pointwise():
    x, (weight, scales, bias) = torch.randn(2, 12, 5, 4) - 0.2, layer(6, 12)
    steps, size = integers(x.numpy(), (1,))
    factors = size * along(scales, 1, 4)
    w = weight.numpy().astype(np.int32)
    expected = np.einsum("oi,bihw->bohw", w, steps) * factors + along(bias, 1, 4)
    magnitude = np.einsum("oi,bihw->bohw", abs(w), abs(steps)) * factors + abs(along(bias, 1, 4))
    assert_sums_match(POINTWISE(x, weight, scales, bias, False), expected, magnitude)
    positive = POINTWISE(x, weight, scales, bias, True)
    assert_sums_match(positive, np.maximum(expected, 0), magnitude)
    assert (positive == 0).any()


@pytest.mark.parametrize("rows", [2, 3, 6, 30])
def test_rows_that_share_a_range(rows):
    """Five tokens of three images of two, and the same numbers as pixels of a map."""
    x, (weight, scales, bias) = torch.randn(2, 15, 12) * torch.rand(2, 15, 1), layer(6, 12)
    steps, size = integers(x.numpy().reshape(-1, rows * 12), (-1,))
    steps = steps.reshape(-1, 12)
    factors = np.repeat(size, rows, 0) * along(scales, 1, 2)
    w = weight.numpy().astype(np.int32)
    expected = (steps @ w.T) * factors + bias.double().numpy()
    magnitude = (abs(steps) @ abs(w).T) * factors + bias.abs().double().numpy()
    got = LINEAR(x, weight, scales, bias, False, rows)
    assert_sums_match(got, expected.reshape(2, 15, 6), magnitude.reshape(2, 15, 6))
    pixels = x.reshape(2, 5, 3, 12).permute(0, 3, 1, 2)
    for kernel in (weight, weight[..., None, None]):
        map_ = POINTWISE(pixels, kernel, scales, bias, False, rows)
        assert torch.equal(map_.permute(0, 2, 3, 1).reshape(2, 15, 6), got)


GEOMETRIES = {
    "3x3": (4, (3, 3), (1, 1), (0, 0), (1, 1), 1),
    "stride and padding": (4, (3, 3), (2, 2), (1, 1), (1, 1), 1),
    "each its own": (4, (3, 2), (1, 3), (2, 1), (2, 1), 1),
    "groups": (2, (3, 3), (1, 1), (1, 1), (1, 1), 2),
    "depthwise": (1, (3, 3), (1, 1), (1, 1), (1, 1), 4),
    "1x1 with stride": (4, (1, 1), (2, 2), (0, 0), (1, 1), 1),
}


@pytest.mark.parametrize("name", GEOMETRIES)
def test_conv2d(name):
    inputs, kernel, *geometry = GEOMETRIES[name]
    x, (weight, scales, bias) = torch.randn(2, 4, 7, 8) + 0.3, layer(8, inputs, *kernel)
    x[1] *= 100
    steps, size = integers(x.numpy(), (1, 2, 3))
    factors = size * along(scales, 1, 4)
    w = weight.numpy().astype(np.int32)
    expected = convolved(steps, w, *geometry) * factors + along(bias, 1, 4)
    magnitude = convolved(abs(steps), abs(w), *geometry) * factors + abs(along(bias, 1, 4))
    stride, padding, dilation, groups = geometry
    how = (list(stride), list(padding), list(dilation), groups)
    assert_sums_match(CONV2D(x, weight, scales, bias, False, *how), expected, magnitude)
    relu = CONV2D(x, weight, scales, bias, True, *how)
    assert_sums_match(relu, np.maximum(expected, 0), magnitude)


HOW = ([1, 1], [1, 1], [1, 1], 1)
# operator, shape of x, axes that share a range, inputs of the weights, what else it takes
OPERATORS = {
    "linear": (LINEAR, (8, 16), (-1,), (16,), ()),
    "pointwise": (POINTWISE, (2, 16, 2, 2), (1,), (16,), ()),
    "conv2d": (CONV2D, (8, 4, 6, 6), (1, 2, 3), (4, 3, 3), HOW),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_each_row_errs_by_half_a_step_of_its_own(name):
    operator, shape, axes, inputs, how = OPERATORS[name]
    x, (weight, scales, _) = torch.randn(shape), layer(5, *inputs)
    rows = x.abs().amax(axes, keepdim=True)
    x *= torch.logspace(-6, 6, rows.numel()).reshape(rows.shape)
    high, low = x.amax(axes, keepdim=True).clamp(min=0), x.amin(axes, keepdim=True).clamp(max=0)
    step = (high - low).double() / 255
    exact = weight.double() * scales.double().reshape(-1, *[1] * len(inputs))
    reach = exact.abs().flatten(1).sum(1)
    got = operator(x, weight, scales, None, False, *how).double()
    if name == "linear":
        error, bound = (got - x.double() @ exact.T).abs(), step / 2 * reach
    else:
        kernel = exact.reshape(*exact.shape, 1, 1) if exact.dim() == 2 else exact
        expected = torch.nn.functional.conv2d(x.double(), kernel, None, *how)
        error, bound = (got - expected).abs(), step / 2 * reach.reshape(-1, 1, 1)
    assert (error <= bound * 1.0001).all()


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("value", [0.0, 5.3, -2.7, 1e-30])
def test_constant_rows_are_exact(name, value):
    operator, shape, _, inputs, how = OPERATORS[name]
    weight, scales, bias = layer(5, *inputs)
    x = torch.full(shape, value)
    how = ([1, 1], [0, 0], [1, 1], 1) if how else ()
    got = operator(x, weight, scales, bias, False, *how).double().numpy()
    sums = weight.double().flatten(1).sum(1) * scales.double() * value + bias.double()
    axis = -1 if name == "linear" else 1
    expected = along(sums, axis, len(shape))
    magnitude = weight.double().abs().flatten(1).sum(1) * scales.double() * abs(value)
    bound = along(magnitude + bias.abs().double(), axis, len(shape))
    assert np.isfinite(got).all()
    assert (np.abs(got - expected) <= FLOAT32_SUM * bound).all()


@pytest.mark.parametrize("sign", [1, -1])
def test_rows_of_one_sign_have_a_range_from_zero(sign):
    x, (weight, scales, bias) = sign * (2 + torch.rand(4, 24)), layer(7, 24)
    steps, size = integers(x.numpy(), (-1,))
    assert np.allclose(size, np.abs(x.numpy()).max(1, keepdims=True) / 255, rtol=1e-6)
    factors = size * along(scales, -1, 2)
    w = weight.numpy().astype(np.int32)
    magnitude = (abs(steps) @ abs(w).T) * factors + bias.abs().double().numpy()
    expected = (steps @ w.T) * factors + bias.double().numpy()
    assert_sums_match(LINEAR(x, weight, scales, bias, False), expected, magnitude)


def test_zero_row_among_others_gives_the_bias():
    weight, scales, bias = layer(5, 16)
    x = torch.randn(3, 16)
    x[1] = 0
    assert torch.equal(LINEAR(x, weight, scales, bias, False)[1], bias)


@pytest.mark.parametrize("low, high", [(0.1, 3.0), (-3.0, -0.1), (-1.0, 100.0), (-100.0, 1.0)])
def test_zero_stays_zero(low, high):
    x = torch.empty(4, 64).uniform_(low, high)
    x[:, 0], x[:, 1], x[:, 2] = 0, low, high
    rounded = round_rows(x, (-1,))
    assert (rounded[:, 0] == 0).all()
    step = (max(high, 0) - min(low, 0)) / 255
    assert float((rounded - x).abs().max()) <= step / 2 * 1.001
    assert len((rounded[0] / step).round().unique()) <= 256


def operands(name: str, device: str, memory_format: torch.memory_format | None = None):
    operator, shape, _, inputs, how = OPERATORS[name]
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(shape, generator=generator)
    weight = torch.randint(-127, 128, (5, *inputs), generator=generator, dtype=torch.int8)
    scales, bias = torch.full((5,), 0.01), torch.ones(5)
    if memory_format is not None and x.dim() == 4:
        x = x.to(memory_format=memory_format)
    return operator, [*(t.to(device) for t in (x, weight, scales, bias)), True, *how]


@pytest.mark.parametrize("name", OPERATORS)
def test_meta_device_gives_the_same_shape(name):
    operator, arguments = operands(name, "cpu")
    _, on_meta = operands(name, "meta")
    shaped, run = operator(*on_meta), operator(*arguments)
    assert (shaped.device.type, shaped.dtype, shaped.shape) == ("meta", run.dtype, run.shape)
    assert operator(*arguments[:3], None, *arguments[4:]).shape == shaped.shape
    assert operator(*on_meta[:3], None, *on_meta[4:]).shape == shaped.shape


@pytest.mark.parametrize("name", GEOMETRIES)
def test_meta_device_gives_the_shape_of_every_geometry(name):
    inputs, kernel, *how = GEOMETRIES[name]
    how = [list(item) if isinstance(item, tuple) else item for item in how]
    arguments = [torch.randn(2, 4, 7, 8), *layer(8, inputs, *kernel), False]
    shaped = CONV2D(*(torch.Tensor.to(a, "meta") for a in arguments[:4]), False, *how)
    assert shaped.shape == CONV2D(*arguments, *how).shape


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_are_well_formed(name):
    """PyTorch's own checks: the schema holds, and tracing sees the dtype and shape of eager."""
    operator, arguments = operands(name, "cpu")
    torch.library.opcheck(operator, arguments, test_utils=("test_schema", "test_faketensor"))


@pytest.mark.parametrize("name", ["pointwise", "conv2d"])
def test_channels_last(name):
    operator, arguments = operands(name, "cpu")
    _, other = operands(name, "cpu", torch.channels_last)
    assert not other[0].is_contiguous()
    assert torch.allclose(operator(*other), operator(*arguments), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", OPERATORS)
def test_strided_input(name):
    operator, (x, *others) = operands(name, "cpu")
    wide = torch.full((*x.shape[:-1], 2 * x.shape[-1]), 1e9)
    wide[..., ::2] = x
    turned = x.transpose(0, 1).contiguous().transpose(0, 1)
    expected = operator(x, *others)
    for view in (wide[..., ::2], turned):
        assert not view.is_contiguous()
        assert torch.allclose(operator(view, *others), expected, rtol=1e-5, atol=1e-5)
