import numpy as np
import pytest
from coremltools.converters.mil.mil import Builder as mb
from hypothesis import given, settings
from hypothesis import strategies as st

few = settings(max_examples=10, deadline=None, derandomize=True)
shapes = st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple)
seeds = st.integers(0, 1000)
COMPARISONS = ["equal", "not_equal", "greater", "greater_equal", "less", "less_equal"]


@pytest.mark.parametrize("name", COMPARISONS)
@pytest.mark.parametrize("dtype", ["int32", "float32"])
@few
@given(shape=shapes, seed=seeds)
def test_comparison(evaluate, name, dtype, shape, seed):
    rng = np.random.default_rng(seed)
    x, y = (rng.integers(-1, 2, shape).astype(dtype) for _ in range(2))
    got = evaluate(lambda x, y: getattr(mb, name)(x=x, y=y), x, y)
    assert got.dtype == np.bool_
    assert np.array_equal(got, getattr(np, name)(x, y))


@pytest.mark.parametrize("name", ["logical_and", "logical_or", "logical_xor"])
@few
@given(shape=shapes, seed=seeds)
def test_logic(evaluate, name, shape, seed):
    rng = np.random.default_rng(seed)
    x, y = (rng.integers(0, 2, shape).astype(bool) for _ in range(2))
    got = evaluate(lambda x, y: getattr(mb, name)(x=x, y=y), x, y)
    assert np.array_equal(got, getattr(np, name)(x, y))
    assert np.array_equal(evaluate(lambda x: mb.logical_not(x=x), x), ~x)


@few
@given(shape=shapes, seed=seeds)
def test_select(evaluate, shape, seed):
    rng = np.random.default_rng(seed)
    cond = rng.integers(0, 2, shape).astype(bool)
    a, b = (rng.standard_normal(shape).astype(np.float32) for _ in range(2))
    got = evaluate(lambda cond, a, b: mb.select(cond=cond, a=a, b=b), cond, a, b)
    assert np.array_equal(got, np.where(cond, a, b))
