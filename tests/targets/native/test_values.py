"""Check the locations of elements: views, rows, strides."""

import numpy as np
import pytest

from hvit_edge.targets.native.values import (
    MOST_IN_INT32,
    Buffer,
    Rows,
    Value,
    constant_value,
    dense,
    filled,
    fresh,
    place_type,
)


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_dense_places_have_rows_along_their_axis(axis):
    places = dense((2, 3, 5), axis)
    assert sorted(places.ravel()) == list(range(30))
    value = Value(Buffer(30), places)
    assert [value.has_rows(a) for a in range(3)] == [a == axis % 3 for a in range(3)]
    rows = value.rows(axis)
    assert rows.width == (2, 3, 5)[axis]
    assert list(rows.places) == list(range(0, 30, rows.width))


def test_dense_is_the_layout_of_torch_and_channels_last():
    assert np.array_equal(dense((2, 3, 4)), np.arange(24).reshape(2, 3, 4))
    pixels = np.arange(24).reshape(1, 2, 4, 3)  # [1, height, width, channels]
    assert np.array_equal(dense((1, 3, 2, 4), axis=1), pixels.transpose(0, 3, 1, 2))


def test_places_take_half_of_the_memory_unless_a_buffer_is_huge():
    assert place_type(MOST_IN_INT32) is np.int32 and place_type(MOST_IN_INT32 + 1) is np.int64
    assert 8 * MOST_IN_INT32 <= 2**31, "bytes of float64 values can be counted in the same type"
    assert {value.places.dtype for value in (fresh((2, 3)), fresh(()), filled((2,), 1.0))} == {
        np.dtype(np.int32)
    }
    assert fresh((2, 3)).rows(1).places.dtype == np.int64


def test_a_dimension_of_one_element_has_rows():
    value = Value(Buffer(6), dense((2, 3))[:, 1:2])
    assert value.has_rows(1) and not value.has_rows(0)
    assert list(value.rows(1).places) == [1, 4]


def test_rows_need_neighbours_everywhere():
    places = dense((2, 4)).copy()
    assert Value(Buffer(8), places).has_rows(1)
    places[1, 2:] = places[1, 2:][::-1]  # one pair in one row
    assert not Value(Buffer(8), places).has_rows(1)


def test_views_are_the_same_indexing_of_places_as_of_elements():
    """Reading the buffer through the places gives what numpy's own views give."""
    generator = np.random.default_rng(0)
    data = generator.standard_normal(60)
    array, places = data.reshape(3, 4, 5), dense((3, 4, 5))
    for _ in range(200):
        rank = array.ndim
        kind = generator.integers(4)
        if kind == 0:
            order = generator.permutation(rank)
            array, places = array.transpose(order), places.transpose(order)
        elif kind == 1:
            shifts, axis = int(generator.integers(-3, 4)), int(generator.integers(rank))
            array, places = np.roll(array, shifts, axis), np.roll(places, shifts, axis)
        elif kind == 2:
            size = array.size
            first = int(generator.choice([n for n in range(1, size + 1) if size % n == 0]))
            array, places = array.reshape(first, -1), places.reshape(first, -1)
        elif array.size > 12 and max(array.shape) > 2:
            axis = int(np.argmax(array.shape))
            kept = (slice(None),) * axis + (slice(None, -1),)
            array, places = array[kept], places[kept]
        assert np.array_equal(data[places], array)


@pytest.mark.parametrize(
    ("places", "stride"),
    [
        ([4], 8),  # one row: as if the next one followed
        ([], 8),
        ([0, 8, 16], 8),
        ([3, 23, 43], 20),
        ([5, 5, 5], 0),  # a row repeated
        ([0, 8, 17], None),
        ([16, 8, 0], None),  # strides are not negative
    ],
)
def test_the_stride_of_rows(places, stride):
    assert Rows(Buffer(64), np.array(places, np.int64), 8).stride == stride


@pytest.mark.parametrize("axis", [-1, 1])
def test_a_fresh_tensor_fills_a_buffer_of_its_own(axis):
    value = fresh((2, 3, 5), axis)
    rows = value.rows(axis)
    assert value.shape == (2, 3, 5)
    assert value.buffer.size == 30
    assert rows.width == (2, 3, 5)[axis]
    assert np.array_equal(rows.places, np.arange(0, 30, rows.width))
    assert fresh((2, 3, 5), axis).buffer is not value.buffer


@pytest.mark.parametrize("axis", [0, 1, 2, 3])
def test_a_constant_is_stored_with_its_rows_along_any_axis(axis):
    array = np.arange(120, dtype=np.float32).reshape(2, 3, 4, 5)
    value = constant_value(array).arranged(axis)
    assert value.has_rows(axis)
    assert np.array_equal(value.buffer.data[value.places], array)


def test_a_repeated_constant_is_not_stored_several_times():
    one = constant_value(np.arange(3, dtype=np.float32).reshape(3, 1))
    repeated = Value(one.buffer, np.broadcast_to(one.places, (3, 4)))
    assert repeated.arranged(1) is repeated
    assert not repeated.can_have_rows(1)
