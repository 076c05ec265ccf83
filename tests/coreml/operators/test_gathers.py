import numpy as np
import pytest
from coremltools.converters.mil.mil import Builder as mb
from hypothesis import given, settings
from hypothesis import strategies as st

from hvit_edge.errors import ArtifactError

few = settings(max_examples=15, deadline=None, derandomize=True)
shapes = st.lists(st.integers(1, 4), min_size=1, max_size=4)
seeds = st.integers(0, 1000)


def draw(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def places(seed, size, *shape):
    return np.random.default_rng(seed).integers(-size, size, shape).astype(np.int32)


@few
@given(
    shape=shapes, wanted=st.lists(st.integers(1, 3), max_size=2), at=st.integers(-4, 3), seed=seeds
)
def test_gather(evaluate, shape, wanted, at, seed):
    axis = at % len(shape) - (len(shape) if at < 0 else 0)
    x, indices = draw(seed, *shape), places(seed, shape[axis], *wanted)
    got = evaluate(lambda x: mb.gather(x=x, indices=indices, axis=axis), x)
    assert np.array_equal(got, np.take(x, indices, axis))
    if wanted:
        got = evaluate(lambda x, i: mb.gather(x=x, indices=i, axis=axis), x, indices, ios=15)
        assert np.array_equal(got, np.take(x, indices, axis))


@few
@given(
    batch=st.lists(st.integers(1, 3), min_size=1, max_size=2), size=st.integers(1, 4), seed=seeds
)
def test_gather_with_batch_dimensions(evaluate, batch, size, seed):
    x, indices = draw(seed, *batch, size, 2), places(seed, size, *batch, 3)
    count = len(batch)
    got = evaluate(lambda x, i: mb.gather(x=x, indices=i, axis=count, batch_dims=count), x, indices)
    expected = np.empty((*batch, 3, 2), np.float32)
    for place in np.ndindex(*batch):
        expected[place] = x[place][indices[place]]
    assert np.array_equal(got, expected)


@few
@given(shape=shapes, at=st.integers(-4, 3), count=st.integers(1, 4), seed=seeds)
def test_gather_along_axis(evaluate, shape, at, count, seed):
    axis = at % len(shape) - (len(shape) if at < 0 else 0)
    x = draw(seed, *shape)
    wanted = [*shape]
    wanted[axis] = count
    indices = places(seed, shape[axis], *wanted)
    got = evaluate(lambda x, i: mb.gather_along_axis(x=x, indices=i, axis=axis), x, indices)
    assert np.array_equal(got, np.take_along_axis(x, indices, axis))


@few
@given(
    shape=st.lists(st.integers(1, 4), min_size=2, max_size=4),
    depth=st.integers(1, 4),
    wanted=st.lists(st.integers(1, 3), min_size=1, max_size=2),
    seed=seeds,
)
def test_gather_nd(evaluate, shape, depth, wanted, seed):
    depth = min(depth, len(shape))
    x = draw(seed, *shape)
    indices = np.stack([places(seed + i, shape[i], *wanted) for i in range(depth)], -1)
    got = evaluate(lambda x, i: mb.gather_nd(x=x, indices=i), x, indices)
    expected = np.stack([x[tuple(row)] for row in indices.reshape(-1, depth)])
    assert np.array_equal(got, expected.reshape(*wanted, *shape[depth:]))


@few
@given(batch=st.integers(1, 3), seed=seeds)
def test_gather_nd_with_batch_dimensions(evaluate, batch, seed):
    x, indices = draw(seed, batch, 3, 4), places(seed, 3, batch, 5, 2)
    got = evaluate(lambda x, i: mb.gather_nd(x=x, indices=i, batch_dims=1), x, indices)
    expected = [[x[b][tuple(row)] for row in indices[b]] for b in range(batch)]
    assert np.array_equal(got, np.array(expected))


def test_an_index_out_of_range_is_refused(evaluate):
    indices = np.array([4], np.int32)
    with pytest.raises(ArtifactError, match=r"\[Program.run\] operator gather .*out of range"):
        evaluate(lambda x, i: mb.gather(x=x, indices=i), draw(0, 4), indices)
