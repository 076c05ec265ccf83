import numpy as np
import pytest
from coremltools.converters.mil.mil import Builder as mb
from hypothesis import given, settings
from hypothesis import strategies as st

few = settings(max_examples=12, deadline=None, derandomize=True)
MODES = {
    "update": lambda old, new: new,
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "max": np.maximum,
    "min": np.minimum,
}
cases = {
    "shape": st.lists(st.integers(1, 4), min_size=1, max_size=3),
    "at": st.integers(0, 2),
    "count": st.integers(1, 4),
    "seed": st.integers(0, 1000),
}


def draw(seed, *shape):
    return np.random.default_rng(seed).uniform(0.5, 2, shape).astype(np.float32)


def places(seed, size, *shape):
    return np.random.default_rng(seed).integers(-size, size, shape).astype(np.int32)


@pytest.mark.parametrize("mode", MODES)
@few
@given(**cases)
def test_scatter(evaluate, close, mode, shape, at, count, seed):
    axis = at % len(shape)
    data, indices = draw(seed, *shape), places(seed, shape[axis], count)
    updates = draw(seed + 1, *shape[:axis], count, *shape[axis + 1 :])
    expected = data.astype(np.float64).swapaxes(0, axis).copy()
    for place, new in zip(indices, updates.swapaxes(0, axis), strict=True):
        expected[place] = MODES[mode](expected[place], new)
    got = evaluate(
        lambda d, i, u: mb.scatter(data=d, indices=i, updates=u, axis=axis, mode=mode),
        data,
        indices,
        updates,
    )
    close(got, expected.swapaxes(0, axis))


@pytest.mark.parametrize("mode", MODES)
@few
@given(**cases)
def test_scatter_along_axis(evaluate, close, mode, shape, at, count, seed):
    axis = at % len(shape)
    wanted = [*shape]
    wanted[axis] = count
    data, indices, updates = (
        draw(seed, *shape),
        places(seed, shape[axis], *wanted),
        draw(1, *wanted),
    )
    expected = data.astype(np.float64)
    for place in np.ndindex(*wanted):
        target = (*place[:axis], indices[place], *place[axis + 1 :])
        expected[target] = MODES[mode](expected[target], updates[place])
    got = evaluate(
        lambda d, i, u: mb.scatter_along_axis(data=d, indices=i, updates=u, axis=axis, mode=mode),
        data,
        indices,
        updates,
    )
    close(got, expected)


@pytest.mark.parametrize("mode", MODES)
@few
@given(**cases)
def test_scatter_nd(evaluate, close, mode, shape, at, count, seed):
    depth = at % len(shape) + 1
    data, updates = draw(seed, *shape), draw(seed + 1, count, *shape[depth:])
    indices = np.stack([places(seed + i, shape[i], count) for i in range(depth)], -1)
    expected = data.astype(np.float64)
    for row, new in zip(indices, updates, strict=True):
        expected[tuple(row)] = MODES[mode](expected[tuple(row)], new)
    got = evaluate(
        lambda d, i, u: mb.scatter_nd(data=d, indices=i, updates=u, mode=mode),
        data,
        indices,
        updates,
    )
    close(got, expected)
