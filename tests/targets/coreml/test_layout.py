import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hvit_edge.targets.coreml.layout import MAX_RANK, Factor, Layout, common, size, steps

EXAMPLES = settings(max_examples=50, deadline=None, derandomize=True)
SHAPES = st.lists(st.sampled_from([1, 2, 3, 4, 6]), min_size=1, max_size=5)


def apply(array, moves):
    for kind, argument in moves:
        array = array.reshape(argument) if kind == "reshape" else array.transpose(argument)
    return array


def factors(*sizes):
    return [Factor(n) for n in sizes]


def grouped(draw, row, rank):
    """The factors of `row` as `rank` axes, some of them empty."""
    cuts = sorted(draw(st.integers(0, len(row))) for _ in range(rank - 1))
    bounds = [0, *cuts, len(row)]
    return tuple(tuple(row[a:b]) for a, b in itertools.pairwise(bounds))


def regrouped(draw, total):
    """A shape of that many elements whose dimensions need not be parts of others."""
    shape = [1] * draw(st.integers(1, 5))
    for prime in (2, 3):
        while total % prime == 0:
            total //= prime
            shape[draw(st.integers(0, len(shape) - 1))] *= prime
    return shape


def nests(layout, shape):
    """Return True if all places where a dimension or a factor ends divide each other."""
    sizes = [factor.size for axis in layout.logical for factor in axis]
    ends = {*itertools.accumulate(sizes, int.__mul__), *itertools.accumulate(shape, int.__mul__)}
    return all(b % a == 0 for a, b in itertools.pairwise(sorted(ends)))


@EXAMPLES
@given(data=st.data())
def test_views_are_tracked(data, rearranged):
    shape = data.draw(SHAPES)
    array = np.arange(math.prod(shape)).reshape(shape)
    expected, layout = array, Layout.plain(shape)
    for _ in range(data.draw(st.integers(1, 5))):
        if data.draw(st.booleans()):
            order = data.draw(st.permutations(range(expected.ndim)))
            expected, layout = expected.transpose(order), layout.permuted(order)
        else:
            wanted = regrouped(data.draw, array.size)
            reshaped = layout.reshaped(wanted)
            assert (reshaped is not None) == nests(layout, wanted)
            if reshaped is None:
                continue
            expected, layout = expected.reshape(wanted), reshaped
        assert layout.shape == expected.shape
        assert layout.array_shape == array.shape
    np.testing.assert_array_equal(rearranged(array, layout.array, layout.logical), expected)
    got = apply(array, steps(layout.array, layout.logical)) if len(shape) <= MAX_RANK else None
    np.testing.assert_array_equal(got, expected)


@EXAMPLES
@given(data=st.data())
def test_steps_lead_to_the_target(data, rearranged):
    row = factors(*data.draw(st.lists(st.sampled_from([2, 3]), max_size=6)))
    moved = data.draw(st.permutations(row))
    source = grouped(data.draw, row, data.draw(st.integers(1, 6)))
    target = grouped(data.draw, moved, data.draw(st.integers(1, 6)))
    array = np.arange(size(row)).reshape([*map(size, source)])
    moves = steps(source, target)
    np.testing.assert_array_equal(apply(array, moves), rearranged(array, source, target))
    kinds = [kind for kind, _ in moves]
    jumps = sum(moved.index(b) != moved.index(a) + 1 for a, b in itertools.pairwise(row))
    if jumps < MAX_RANK:
        assert kinds.count("reshape") <= 2
        assert kinds.count("transpose") == (moved != row)
    else:  # six runs
        assert kinds.count("transpose") == 2
    assert all(len(order) <= MAX_RANK for kind, order in moves if kind == "transpose")
    if moved == row:
        assert len(moves) == ([*map(size, source)] != [*map(size, target)])


@EXAMPLES
@given(data=st.data())
def test_a_transposition_of_axes_is_one_step(data, rearranged):
    row = factors(*data.draw(st.lists(st.sampled_from([2, 3]), max_size=6)))
    source = grouped(data.draw, row, data.draw(st.integers(1, 5)))
    target = tuple(data.draw(st.permutations(source)))
    array = np.arange(size(row)).reshape([*map(size, source)])
    moves = steps(source, target)
    np.testing.assert_array_equal(apply(array, moves), rearranged(array, source, target))
    assert len(moves) <= 1
    if [axis for axis in source if axis] != [axis for axis in target if axis]:
        assert moves[0][0] == "transpose"


def test_heads_take_one_reshape_and_one_transpose():
    batch, heads, width, tokens = ((factor,) for factor in factors(2, 4, 3, 5))
    source = (batch, heads + width, (), tokens)
    moves = steps(source, (batch, heads, tokens, width))
    assert moves == [("reshape", (2, 4, 3, 5)), ("transpose", (0, 1, 3, 2))]
    back = steps((batch, heads, tokens, width), source)
    assert back == [("transpose", (0, 1, 3, 2)), ("reshape", (2, 12, 1, 5))]


def test_neighbours_move_as_one():
    a, b, c, d, e, f = factors(2, 3, 2, 3, 2, 3)
    assert steps([(a, b, c), (d, e, f)], [(d, e, f), (a, b, c)]) == [("transpose", (1, 0))]
    moves = steps([(a,), (b,), (c,), (d,), (e,), (f,)], [(f, a), (b, c, d, e)])
    assert moves == [("reshape", (72, 3)), ("transpose", (1, 0)), ("reshape", (6, 36))]


@pytest.mark.parametrize("count", [6, 7, 8])
def test_more_than_five_axes_move_in_several_steps(count, rearranged):
    row = factors(*[2, 3, 2, 3, 2, 2, 2, 2][:count])
    source, target = [tuple(row)], [tuple(row[::-1])]
    moves = steps(source, target)
    array = np.arange(size(row)).reshape([size(row)])
    np.testing.assert_array_equal(apply(array, moves), rearranged(array, source, target))
    orders = [order for kind, order in moves if kind == "transpose"]
    assert len(orders) == 2
    assert max(map(len, orders)) <= MAX_RANK


@pytest.mark.parametrize(
    ("one", "other", "sizes"),
    [
        ([12], [3, 4], [3, 4]),
        ([2, 6], [4, 3], [2, 2, 3]),
        ([24], [2, 3, 4], [2, 3, 4]),
        ([4, 6], [2, 12], [2, 2, 6]),
        ([30], [30], [30]),
    ],
    ids=str,
)
def test_common_factors(one, other, sizes):
    for first, second in ((one, other), (other, one)):
        axes = [tuple(factors(*first)), tuple(factors(*second))]
        splits = common(*axes)
        for axis, parts in zip(axes, splits, strict=True):
            refined = Layout((axis,), (axis,)).refined(parts)
            assert [factor.size for factor in refined.logical[0]] == sizes
            assert refined.array == refined.logical


@pytest.mark.parametrize(("one", "other"), [([7, 8], [8, 7]), ([2, 3], [3, 2])], ids=str)
def test_no_common_factors(one, other):
    assert common(tuple(factors(*one)), tuple(factors(*other))) is None


def test_find_an_axis():
    layout = Layout.plain((1, 4, 6)).permuted((2, 0, 1))
    assert [layout.find(dim) for dim in range(3)] == [2, None, 1]
    assert layout.reshaped((3, 2, 4)).find(0) is None  # half of an axis is none


def test_factors_of_one_size_are_not_the_same():
    one, other = Layout.plain((4,)), Layout.plain((4,))
    assert one != other
    assert one.logical[0] != other.logical[0]
