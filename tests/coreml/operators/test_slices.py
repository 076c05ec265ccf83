import numpy as np
from coremltools.converters.mil.mil import Builder as mb
from hypothesis import given, settings
from hypothesis import strategies as st

some = settings(max_examples=40, deadline=None, derandomize=True)
shapes = st.lists(st.integers(2, 5), min_size=1, max_size=4)
seeds = st.integers(0, 1000)


def draw(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def part(rng, size):
    """A slice of at least one element: begin, end, stride and whether each is masked."""
    while True:
        begin, end = (int(value) for value in rng.integers(-size, size + 1, 2))
        stride = int(rng.choice([1, 2, 3, -1, -2]))
        masks = [bool(value) for value in rng.integers(0, 2, 2)]
        chosen = slice(None if masks[0] else begin, None if masks[1] else end, stride)
        if len(range(*chosen.indices(size))) > 0 and begin < size:
            return begin, end, stride, masks, chosen


@some
@given(shape=shapes, seed=seeds)
def test_slice_by_index(evaluate, shape, seed):
    rng = np.random.default_rng(seed)
    parts = [part(rng, size) for size in shape]
    squeezed = [bool(value) for value in rng.integers(0, 3, len(shape)) == 0]
    if all(squeezed):
        squeezed[0] = False
    x = draw(seed, *shape)
    begin, end, stride = ([p[i] for p in parts] for i in range(3))
    masks = [p[3] for p in parts]
    index = []
    for i, (start, _, _, (open_start, _), chosen) in enumerate(parts):
        index.append((0 if open_start else start) if squeezed[i] else chosen)
    got = evaluate(
        lambda x: mb.slice_by_index(
            x=x,
            begin=begin,
            end=end,
            stride=[1 if squeezed[i] else step for i, step in enumerate(stride)],
            begin_mask=[mask[0] for mask in masks],
            end_mask=[mask[1] for mask in masks],
            squeeze_mask=squeezed,
        ),
        x,
    )
    assert np.array_equal(got, x[tuple(index)])


def test_slice_by_index_with_its_defaults(evaluate):
    x = draw(0, 4, 5)
    got = evaluate(lambda x: mb.slice_by_index(x=x, begin=[1, -3], end=[3, -1]), x)
    assert np.array_equal(got, x[1:3, -3:-1])


def test_slice_by_index_down_to_a_scalar(evaluate):
    x = draw(0, 4, 5)
    got = evaluate(
        lambda x: mb.slice_by_index(x=x, begin=[1, -3], end=[0, 0], squeeze_mask=[True, True]), x
    )
    assert got.shape == ()
    assert got == x[1, -3]


@some
@given(shape=shapes, seed=seeds)
def test_slice_by_size(evaluate, shape, seed):
    rng = np.random.default_rng(seed)
    begin = [int(rng.integers(0, size)) for size in shape]
    length = [
        -1 if rng.integers(0, 3) == 0 else int(rng.integers(1, size - start + 1))
        for size, start in zip(shape, begin, strict=True)
    ]
    x = draw(seed, *shape)
    got = evaluate(lambda x: mb.slice_by_size(x=x, begin=begin, size=length), x)
    index = tuple(
        slice(start, None if size == -1 else start + size)
        for start, size in zip(begin, length, strict=True)
    )
    assert np.array_equal(got, x[index])


def test_slice_by_size_at_a_place_of_run_time(evaluate):
    x, begin = draw(0, 4, 5), np.array([-2, 1], np.int32)
    got = evaluate(lambda x, b: mb.slice_by_size(x=x, begin=b, size=[2, 3]), x, begin)
    assert np.array_equal(got, x[2:4, 1:4])
