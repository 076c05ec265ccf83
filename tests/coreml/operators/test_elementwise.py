import math

import numpy as np
import pytest
from coremltools.converters.mil.mil import Builder as mb
from hypothesis import given, settings
from hypothesis import strategies as st

few = settings(max_examples=10, deadline=None, derandomize=True)
shapes = st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple)
seeds = st.integers(0, 1000)

# The function in float64, and the range of its argument.
UNARY = {
    "abs": (np.abs, -3, 3),
    "acos": (np.arccos, -0.9, 0.9),
    "asin": (np.arcsin, -0.9, 0.9),
    "atan": (np.arctan, -3, 3),
    "atanh": (np.arctanh, -0.9, 0.9),
    "ceil": (np.ceil, -3, 3),
    "cos": (np.cos, -3, 3),
    "cosh": (np.cosh, -3, 3),
    "erf": (np.vectorize(math.erf), -3, 3),
    "exp": (np.exp, -3, 3),
    "exp2": (np.exp2, -3, 3),
    "floor": (np.floor, -3, 3),
    "identity": (np.array, -3, 3),
    "round": (np.round, -3, 3),
    "sign": (np.sign, -3, 3),
    "sin": (np.sin, -3, 3),
    "sinh": (np.sinh, -3, 3),
    "sqrt": (np.sqrt, 0, 9),
    "square": (np.square, -3, 3),
    "tan": (np.tan, -1, 1),
    "tanh": (np.tanh, -3, 3),
}
BINARY = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "real_div": np.divide,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "mod": np.mod,
    "floor_div": np.floor_divide,
    "pow": np.power,
}


def draw(seed, shape, low=-3.0, high=3.0):
    return np.random.default_rng(seed).uniform(low, high, shape).astype(np.float32)


@pytest.mark.parametrize("name", UNARY)
@few
@given(shape=shapes, seed=seeds)
def test_unary(evaluate, close, name, shape, seed):
    function, low, high = UNARY[name]
    x = draw(seed, shape, low, high)
    close(evaluate(lambda x: getattr(mb, name)(x=x), x), function(x.astype(np.float64)))


def test_round_takes_halves_to_the_even_neighbour(evaluate):
    x = np.array([-1.5, -0.5, 0.5, 1.5, 2.5], np.float32)
    assert evaluate(lambda x: mb.round(x=x), x).tolist() == [-2, 0, 0, 2, 2]


@pytest.mark.parametrize("name", BINARY)
@few
@given(shape=shapes, seed=seeds, dropped=st.integers(0, 3), ones=st.integers(0, 15))
def test_binary_broadcasts(evaluate, close, name, shape, seed, dropped, ones):
    other = [1 if ones >> axis & 1 else size for axis, size in enumerate(shape)]
    other = other[min(dropped, len(shape) - 1) :]
    x, y = draw(seed, shape, 0.5), draw(seed + 1, other, 0.5)
    expected = BINARY[name](x.astype(np.float64), y.astype(np.float64))
    close(evaluate(lambda x, y: getattr(mb, name)(x=x, y=y), x, y), expected)
    close(evaluate(lambda y: getattr(mb, name)(x=x, y=y), y), expected)


@pytest.mark.parametrize("name", ["add", "sub", "mul", "maximum", "minimum", "mod", "floor_div"])
@few
@given(seed=seeds)
def test_binary_of_integers_is_exact(evaluate, name, seed):
    rng = np.random.default_rng(seed)
    x = rng.integers(-(2**31), 2**31, 8).astype(np.int32)
    y = rng.integers(1, 2**31, 8).astype(np.int32)
    got = evaluate(lambda x, y: getattr(mb, name)(x=x, y=y), x, y)
    assert got.dtype == np.int32
    assert np.array_equal(got, BINARY[name](x, y))


def test_division_of_integers_goes_towards_zero(evaluate):
    x, y = np.array([7, -7, 2**30 + 1], np.int32), np.array([2, 2, 1], np.int32)
    got = evaluate(lambda x, y: mb.real_div(x=x, y=y), x, y)
    assert got.tolist() == [3, -3, 2**30 + 1]


@few
@given(shape=shapes, seed=seeds)
def test_clip_and_threshold(evaluate, close, shape, seed):
    x = draw(seed, shape)
    close(evaluate(lambda x: mb.clip(x=x, alpha=-0.5, beta=1.25), x), np.clip(x, -0.5, 1.25))
    close(evaluate(lambda x: mb.threshold(x=x, alpha=0.25), x), np.maximum(x, 0.25))


@few
@given(shape=shapes, seed=seeds, epsilon=st.sampled_from([None, 0.5]))
def test_functions_with_epsilon(evaluate, close, shape, seed, epsilon):
    x = draw(seed, shape, 0.01)
    wide = x.astype(np.float64)
    given_epsilon = {} if epsilon is None else {"epsilon": np.float32(epsilon)}
    got = evaluate(lambda x: mb.inverse(x=x, **given_epsilon), x)
    close(got, 1 / (wide + (epsilon or 1e-4)))
    close(evaluate(lambda x: mb.log(x=x, **given_epsilon), x), np.log(wide + (epsilon or 0)))
    got = evaluate(lambda x: mb.rsqrt(x=x, **given_epsilon), x)
    close(got, (wide + (epsilon or 1e-12)) ** -0.5)


@pytest.mark.parametrize("name, dtype", [("int32", "int32"), ("bool", "bool"), ("fp16", "float16")])
@few
@given(shape=shapes, seed=seeds)
def test_cast_from_float(evaluate, name, dtype, shape, seed):
    x = draw(seed, shape, -90000, 90000) * (draw(seed + 1, shape) > 0)
    got = evaluate(lambda x: mb.cast(x=x, dtype=name), x)
    with np.errstate(over="ignore"):
        expected = x.astype(dtype)  # towards zero, and to infinity
    assert got.dtype.name == dtype
    assert np.array_equal(got, expected)


@few
@given(seed=seeds)
def test_cast_between_other_dtypes(evaluate, seed):
    x = np.random.default_rng(seed).integers(-3, 4, 8).astype(np.int32)
    assert np.array_equal(evaluate(lambda x: mb.cast(x=x, dtype="fp32"), x), x.astype(np.float32))
    assert np.array_equal(evaluate(lambda x: mb.cast(x=x, dtype="bool"), x), x != 0)
    assert np.array_equal(evaluate(lambda x: mb.cast(x=x, dtype="int8"), x), x.astype(np.int8))
    truth = x > 0
    assert np.array_equal(evaluate(lambda x: mb.cast(x=x, dtype="int32"), truth), truth * 1)
