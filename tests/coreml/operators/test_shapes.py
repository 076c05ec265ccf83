import numpy as np
import pytest
from coremltools.converters.mil.mil import Builder as mb
from hypothesis import given, settings
from hypothesis import strategies as st

few = settings(max_examples=15, deadline=None, derandomize=True)
shapes = st.lists(st.integers(1, 4), min_size=1, max_size=4)
seeds = st.integers(0, 1000)


def draw(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@few
@given(shape=shapes, zeros=st.integers(0, 15), free=st.integers(0, 4), seed=seeds)
def test_reshape_that_keeps_sizes(evaluate, shape, zeros, free, seed):
    x = draw(seed, *shape)
    wanted = [0 if zeros >> axis & 1 else size for axis, size in enumerate(shape)]
    wanted = [-1 if axis == free else size for axis, size in enumerate(wanted)]
    for ios in (15, 17):
        got = evaluate(lambda x: mb.reshape(x=x, shape=wanted), x, ios=ios)
        assert np.array_equal(got, x)


@few
@given(shape=shapes, seed=seeds, order=st.randoms(use_true_random=False))
def test_reshape_to_other_sizes(evaluate, shape, seed, order):
    x = draw(seed, *shape)
    wanted = [*shape, 1]
    order.shuffle(wanted)
    got = evaluate(lambda x: mb.reshape(x=x, shape=wanted), x)
    assert np.array_equal(got, x.reshape(wanted))


def test_reshape_counts_zeros_from_the_right_since_ios_17(evaluate):
    x = draw(0, 2, 50)
    got = evaluate(lambda x: mb.reshape(x=x, shape=[1, 0, -1, 0]), x)
    assert np.array_equal(got, x.reshape(1, 1, 2, 50))
    got = evaluate(lambda x: mb.reshape(x=x, shape=[-1, 0]), draw(0, 2, 3, 4))
    assert got.shape == (6, 4)


def test_reshape_to_a_shape_of_run_time(evaluate):
    x = draw(0, 6)
    got = evaluate(
        lambda x, y: mb.reshape(x=x, shape=mb.shape(x=y)), x, np.zeros((3, 2), np.float32)
    )
    assert got.shape == (3, 2)


@few
@given(shape=shapes, seed=seeds, order=st.randoms(use_true_random=False), back=st.booleans())
def test_transpose(evaluate, shape, seed, order, back):
    perm = list(range(len(shape)))
    order.shuffle(perm)
    x = draw(seed, *shape)
    named = [axis - len(shape) for axis in perm] if back else perm
    got = evaluate(lambda x: mb.transpose(x=x, perm=named), x)
    assert np.array_equal(got, x.transpose(perm))


@few
@given(shape=shapes, first=st.integers(0, 4), second=st.integers(0, 4), seed=seeds)
def test_expand_dims_and_squeeze(evaluate, shape, first, second, seed):
    rank = len(shape) + 2
    axes = sorted({first % rank, (first + 1 + second % (rank - 1)) % rank})
    x = draw(seed, *shape)
    expected = np.expand_dims(x, tuple(axes))
    got = evaluate(lambda x: mb.expand_dims(x=x, axes=[axes[0], axes[1] - rank]), x)
    assert np.array_equal(got, expected)
    if rank <= 5:
        got = evaluate(lambda x: mb.squeeze(x=x, axes=axes), expected)
        assert np.array_equal(got, x)
        got = evaluate(lambda x: mb.squeeze(x=x), expected)
        assert np.array_equal(got, np.squeeze(expected))


@few
@given(shape=shapes, at=st.integers(-4, 4), seed=seeds)
def test_flatten2d(evaluate, shape, at, seed):
    axis = max(-len(shape), min(at, len(shape)))
    x = draw(seed, *shape)
    expected = x.reshape(int(np.prod(shape[:axis])), -1)
    assert np.array_equal(evaluate(lambda x: mb.flatten2d(x=x, axis=axis), x), expected)


@few
@given(shape=shapes, seed=seeds)
def test_shape_and_fills(evaluate, shape, seed):
    x = draw(seed, *shape)
    assert evaluate(lambda x: mb.shape(x=x), x).tolist() == shape
    got = evaluate(lambda x: mb.fill(shape=mb.shape(x=x), value=np.float32(2.5)), x)
    assert np.array_equal(got, np.full(shape, 2.5, np.float32))
    got = evaluate(lambda x: mb.fill_like(ref_tensor=x, value=np.int32(3)), x)
    assert got.dtype == np.int32
    assert np.array_equal(got, np.full(shape, 3))


@few
@given(shape=shapes, seed=seeds)
def test_tile(evaluate, shape, seed):
    x = draw(seed, *shape)
    reps = np.random.default_rng(seed).integers(1, 4, len(shape))
    assert np.array_equal(evaluate(lambda x: mb.tile(x=x, reps=reps), x), np.tile(x, reps))


@few
@given(shape=shapes, chosen=st.integers(0, 15), seed=seeds)
def test_reverse(evaluate, shape, chosen, seed):
    x = draw(seed, *shape)
    axes = [axis for axis in range(len(shape)) if chosen >> axis & 1]
    given_axes = {"axes": axes} if axes else {}
    got = evaluate(lambda x: mb.reverse(x=x, **given_axes), x)
    assert np.array_equal(got, np.flip(x, axes or None))


@pytest.mark.parametrize("dtype", ["float16", "int32", "bool"])
def test_dtypes_survive(evaluate, dtype):
    x = np.arange(6).astype(dtype).reshape(2, 3)
    got = evaluate(lambda x: mb.transpose(x=x, perm=[1, 0]), x)
    assert got.dtype == dtype
    assert np.array_equal(got, x.T)
