import numpy as np
import pytest
from coremltools.converters.mil.mil import Builder as mb
from hypothesis import given, settings
from hypothesis import strategies as st

few = settings(max_examples=12, deadline=None, derandomize=True)
shapes = st.lists(st.integers(1, 4), min_size=1, max_size=4)
seeds = st.integers(0, 1000)
REDUCTIONS = {
    "reduce_l1_norm": lambda x, **where: np.sum(np.abs(x), **where),
    "reduce_l2_norm": lambda x, **where: np.sqrt(np.sum(x**2, **where)),
    "reduce_log_sum": lambda x, **where: np.log(np.sum(x, **where)),
    "reduce_log_sum_exp": lambda x, **where: np.log(np.sum(np.exp(x), **where)),
    "reduce_max": np.max,
    "reduce_mean": np.mean,
    "reduce_min": np.min,
    "reduce_prod": np.prod,
    "reduce_sum": np.sum,
    "reduce_sum_square": lambda x, **where: np.sum(x**2, **where),
}


@pytest.mark.parametrize("name", REDUCTIONS)
@few
@given(shape=shapes, chosen=st.integers(0, 15), keep=st.booleans(), seed=seeds, back=st.booleans())
def test_reduction(evaluate, close, name, shape, chosen, keep, seed, back):
    x = np.random.default_rng(seed).uniform(0.5, 2, shape).astype(np.float32)
    axes = [axis for axis in range(len(shape)) if chosen >> axis & 1]
    where = tuple(axes) or None
    given_axes = {"axes": [axis - len(shape) * back for axis in axes]} if axes else {}
    got = evaluate(lambda x: getattr(mb, name)(x=x, keep_dims=keep, **given_axes), x)
    close(got, REDUCTIONS[name](x.astype(np.float64), axis=where, keepdims=keep))


@pytest.mark.parametrize("name", ["reduce_max", "reduce_min", "reduce_sum", "reduce_sum_square"])
@few
@given(shape=shapes, seed=seeds)
def test_reduction_of_integers_is_exact(evaluate, name, shape, seed):
    x = np.random.default_rng(seed).integers(-5, 2**12, shape).astype(np.int32)
    got = evaluate(lambda x: getattr(mb, name)(x=x, axes=[-1]), x)
    assert got.dtype == np.int32
    assert np.array_equal(got, REDUCTIONS[name](x, axis=-1))


def test_mean_of_integers_goes_towards_zero(evaluate):
    x = np.array([[1, 2], [-1, -2]], np.int32)
    assert evaluate(lambda x: mb.reduce_mean(x=x, axes=[1]), x).tolist() == [1, -1]


@pytest.mark.parametrize("name, function", [("argmax", np.argmax), ("argmin", np.argmin)])
@few
@given(shape=shapes, place=st.integers(-4, 3), keep=st.booleans(), seed=seeds)
def test_place_of_the_extreme(evaluate, name, function, shape, place, keep, seed):
    axis = place % len(shape) - (len(shape) if place < 0 else 0)
    x = np.random.default_rng(seed).integers(0, 3, shape).astype(np.float32)
    for ios, options in ((15, {}), (17, {}), (17, {"output_dtype": "uint16"})):
        got = evaluate(
            lambda x, *, options=options: getattr(mb, f"reduce_{name}")(
                x=x, axis=axis, keep_dims=keep, **options
            ),
            x,
            ios=ios,
        )
        assert got.dtype == options.get("output_dtype", "int32")
        assert np.array_equal(got, function(x, axis, keepdims=keep))
