import numpy as np
from coremltools.converters.mil.mil import Builder as mb
from hypothesis import given, settings
from hypothesis import strategies as st

few = settings(max_examples=15, deadline=None, derandomize=True)


@few
@given(
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    at=st.integers(-3, 2),
    ascending=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_topk(evaluate, shape, at, ascending, seed):
    axis = at % len(shape) - (len(shape) if at < 0 else 0)
    rng = np.random.default_rng(seed)
    x = rng.permutation(int(np.prod(shape))).reshape(shape).astype(np.float32)
    k = int(rng.integers(1, shape[axis] + 1))
    order = np.argsort(x if ascending else -x, axis, kind="stable").take(range(k), axis)
    got = evaluate(lambda x: mb.topk(x=x, k=k, axis=axis, ascending=ascending), x)
    assert np.array_equal(got[0], np.take_along_axis(x, order, axis))
    assert np.array_equal(got[1], order)


def test_values_without_places(evaluate):
    x = np.array([[2.0, 5.0, 3.0]], np.float32)
    got = evaluate(lambda x: mb.topk(x=x, k=2, return_indices=False), x)
    assert got.tolist() == [[5.0, 3.0]]
