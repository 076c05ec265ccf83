import math

import numpy as np
import pytest
from coremltools.converters.mil.mil import Builder as mb
from hypothesis import given, settings
from hypothesis import strategies as st

few = settings(max_examples=10, deadline=None, derandomize=True)
shapes = st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple)
seeds = st.integers(0, 1000)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


PLAIN = {
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "sigmoid": sigmoid,
    "silu": lambda x: x * sigmoid(x),
    "softplus": lambda x: np.log1p(np.exp(x)),
    "softsign": lambda x: x / (1 + np.abs(x)),
}
GELU = {
    "EXACT": lambda x: 0.5 * x * np.vectorize(math.erfc)(-x / math.sqrt(2)),
    "TANH_APPROXIMATION": lambda x: x * sigmoid(2 * math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)),
    "SIGMOID_APPROXIMATION": lambda x: x * sigmoid(1.702 * x),
}
WITH_ALPHA = {
    "leaky_relu": lambda x, a: np.where(x < 0, a * x, x),
    "elu": lambda x, a: np.where(x < 0, a * (np.exp(x) - 1), x),
    "thresholded_relu": lambda x, a: x * (x >= a),
}
WITH_BOTH = {
    "clamped_relu": lambda x, a, b: np.minimum(b, np.where(x < 0, a * x, x)),
    "linear_activation": lambda x, a, b: a * x + b,
    "scaled_tanh": lambda x, a, b: a * np.tanh(b * x),
    "sigmoid_hard": lambda x, a, b: np.minimum(np.maximum(a * x + b, 0), 1),
}


def draw(seed, shape, scale=4):
    return (scale * np.random.default_rng(seed).standard_normal(shape)).astype(np.float32)


@pytest.mark.parametrize("name", PLAIN)
@few
@given(shape=shapes, seed=seeds)
def test_plain(evaluate, close, name, shape, seed):
    x = draw(seed, shape)
    close(evaluate(lambda x: getattr(mb, name)(x=x), x), PLAIN[name](x.astype(np.float64)))


@pytest.mark.parametrize("mode", GELU)
@few
@given(shape=shapes, seed=seeds)
def test_gelu(evaluate, close, mode, shape, seed):
    x = draw(seed, shape)
    close(evaluate(lambda x: mb.gelu(x=x, mode=mode), x), GELU[mode](x.astype(np.float64)))


def test_gelu_is_exact_by_default_and_keeps_its_tail(evaluate):
    x = np.array([-5.5, -3.0, 1.0], np.float32)
    got = evaluate(lambda x: mb.gelu(x=x), x)
    np.testing.assert_allclose(got, GELU["EXACT"](x.astype(np.float64)), rtol=1e-6)


@pytest.mark.parametrize("name", WITH_ALPHA)
@few
@given(shape=shapes, seed=seeds, alpha=st.sampled_from([0.125, 0.5, 1.5]))
def test_with_alpha(evaluate, close, name, shape, seed, alpha):
    x = draw(seed, shape)
    got = evaluate(lambda x: getattr(mb, name)(x=x, alpha=np.float32(alpha)), x)
    close(got, WITH_ALPHA[name](x.astype(np.float64), alpha))


@pytest.mark.parametrize("name", WITH_BOTH)
@few
@given(shape=shapes, seed=seeds, alpha=st.sampled_from([0.25, 1.5]), beta=st.sampled_from([0.5, 2]))
def test_with_alpha_and_beta(evaluate, close, name, shape, seed, alpha, beta):
    x = draw(seed, shape)
    got = evaluate(
        lambda x: getattr(mb, name)(x=x, alpha=np.float32(alpha), beta=np.float32(beta)), x
    )
    close(got, WITH_BOTH[name](x.astype(np.float64), alpha, beta))


@few
@given(n=st.integers(1, 2), channels=st.integers(1, 4), size=st.integers(1, 3), seed=seeds)
def test_one_parameter_for_each_channel(evaluate, close, n, channels, size, seed):
    x = draw(seed, (n, channels, size, size))
    alpha, beta = np.abs(draw(seed + 1, (channels,), 1)), draw(seed + 2, (channels,), 1)
    wide = x.astype(np.float64).transpose(0, 2, 3, 1)
    got = evaluate(lambda x: mb.prelu(x=x, alpha=alpha), x)
    close(got, np.where(wide < 0, alpha * wide, wide).transpose(0, 3, 1, 2))
    got = evaluate(lambda x: mb.softplus_parametric(x=x, alpha=alpha, beta=beta), x)
    expected = alpha * np.log1p(np.exp(wide * beta.astype(np.float64)))
    close(got, expected.transpose(0, 3, 1, 2))


@few
@given(shape=shapes, seed=seeds, place=st.integers(0, 7))
def test_softmax(evaluate, close, shape, seed, place):
    axis = place % (2 * len(shape)) - len(shape)
    x = draw(seed, shape, 30)
    powers = np.exp(x.astype(np.float64) - x.max(axis, keepdims=True))
    close(
        evaluate(lambda x: mb.softmax(x=x, axis=axis), x), powers / powers.sum(axis, keepdims=True)
    )
