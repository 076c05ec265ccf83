import numpy as np
import pytest
from coremltools.converters.mil.mil import Builder as mb
from coremltools.converters.mil.mil import mil_list
from hypothesis import given, settings
from hypothesis import strategies as st

few = settings(max_examples=15, deadline=None, derandomize=True)
shapes = st.lists(st.integers(1, 4), min_size=1, max_size=4)
seeds = st.integers(0, 1000)


def draw(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@few
@given(shape=shapes, at=st.integers(-4, 3), more=st.integers(0, 2), seed=seeds)
def test_concat(evaluate, shape, at, more, seed):
    axis = at % len(shape) - (len(shape) if at < 0 else 0)
    other = [*shape]
    other[axis] += more
    x, y, fixed = draw(seed, *shape), draw(seed + 1, *other), draw(seed + 2, *shape)
    got = evaluate(lambda x, y: mb.concat(values=(x, fixed, y), axis=axis), x, y)
    assert np.array_equal(got, np.concatenate([x, fixed, y], axis))


@few
@given(shape=shapes, at=st.integers(-4, 3), seed=seeds)
def test_concat_that_takes_turns(evaluate, shape, at, seed):
    axis = at % len(shape) - (len(shape) if at < 0 else 0)
    x, y = draw(seed, *shape), draw(seed + 1, *shape)
    got = evaluate(lambda x, y: mb.concat(values=(x, y), axis=axis, interleave=True), x, y)
    turned = np.moveaxis(got, axis, 0)
    assert np.array_equal(turned[0::2], np.moveaxis(x, axis, 0))
    assert np.array_equal(turned[1::2], np.moveaxis(y, axis, 0))


def test_concat_of_scalars(evaluate):
    x = np.array([[5, 7]], np.int32)

    def body(x):
        first = mb.gather(x=mb.shape(x=x), indices=1)
        return mb.concat(values=(first, first), axis=0)

    assert evaluate(body, x).tolist() == [2, 2]


@few
@given(shape=shapes, at=st.integers(-5, 4), seed=seeds)
def test_stack(evaluate, shape, at, seed):
    rank = len(shape) + 1
    axis = at % rank - (rank if at < 0 else 0)
    x, y = draw(seed, *shape), draw(seed + 1, *shape)
    got = evaluate(lambda x, y: mb.stack(values=(x, y), axis=axis), x, y)
    assert np.array_equal(got, np.stack([x, y], axis))


@few
@given(
    shape=shapes, at=st.integers(-4, 3), parts=st.lists(st.integers(1, 3), min_size=2, max_size=3)
)
def test_split_by_sizes(evaluate, shape, at, parts):
    axis = at % len(shape) - (len(shape) if at < 0 else 0)
    shape[axis] = sum(parts)
    x = draw(0, *shape)
    got = evaluate(lambda x: mb.split(x=x, split_sizes=parts, axis=axis), x)
    for part, expected in zip(got, np.split(x, np.cumsum(parts)[:-1], axis), strict=True):
        assert np.array_equal(part, expected)


@few
@given(shape=shapes, at=st.integers(-4, 3), count=st.integers(2, 4))
def test_split_into_equal_parts(evaluate, shape, at, count):
    axis = at % len(shape) - (len(shape) if at < 0 else 0)
    shape[axis] *= count
    x = draw(0, *shape)
    got = evaluate(lambda x: mb.split(x=x, num_splits=count, axis=axis), x)
    for part, expected in zip(got, np.split(x, count, axis), strict=True):
        assert np.array_equal(part, expected)


@pytest.mark.parametrize("labels", [["cat", "dog", "bird"], [5, 7, 9]])
@few
@given(seed=seeds)
def test_classify(evaluate, labels, seed):
    typed = labels if isinstance(labels[0], str) else [np.int64(label) for label in labels]
    x = draw(seed, 1, 3)
    label, probabilities = evaluate(
        lambda x: mb.classify(probabilities=x, classes=mb.const(val=mil_list(typed))), x
    )
    assert label == labels[int(x.argmax())]
    assert probabilities == dict(zip(labels, x[0].tolist(), strict=True))
