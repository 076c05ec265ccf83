from collections import Counter

import coremltools as ct
import numpy as np
import pytest
from coremltools.converters.mil import Builder as mb
from coremltools.converters.mil.mil import Function, types
from coremltools.converters.mil.mil import Program as Mil

from hvit_edge.coreml import Program
from hvit_edge.targets.coreml.layout import Layout
from hvit_edge.targets.coreml.values import Value, align, channels_first, plain, tokens

MAP = (1, 3, 4, 6)


def windows_of(layout):
    """[B, C, 4, 6] -> [4 windows, 2 * 3 pixels, C]."""
    batch, channels = layout.shape[:2]
    parted = layout.reshaped((batch, channels, 2, 2, 2, 3)).permuted((0, 2, 4, 3, 5, 1))
    return parted.reshaped((batch * 4, 6, channels))


def tokens_of(layout):
    """[B, C, H, W] -> [B, H * W, C]."""
    batch, channels, height, width = layout.shape
    return layout.reshaped((batch, channels, height * width)).permuted((0, 2, 1))


LAYOUTS = {
    "map": Layout.plain(MAP),
    "channels last": Layout.plain(MAP).permuted((0, 2, 3, 1)),
    "tokens of a map": tokens_of(Layout.plain(MAP)),
    "windows of a map": windows_of(Layout.plain(MAP)),
    "vector": Layout.plain((5,)),
    "features": Layout.plain((2, 5)),
    "tokens": Layout.plain((2, 6, 5)),
    "pixels": Layout.plain((2, 3, 4, 5)),
    "rank 5": Layout.plain((2, 3, 2, 4, 5)),
    "one token": Layout.plain((2, 1, 5)),
    "one channel": Layout.plain((2, 6, 1)),
}


@pytest.fixture
def evaluate(rearranged):
    """`(body, *tensors and their layouts)`: logical results, and the operators called.

    `body` takes variables of the program and gives values.
    """

    def run(body, *given):
        arrays = {
            f"x{at}": rearranged(tensor, layout.logical, layout.array)
            for at, (tensor, layout) in enumerate(given)
        }
        places = {k: mb.placeholder(shape=a.shape, dtype=types.fp32) for k, a in arrays.items()}
        with Function(places, opset_version=ct.target.iOS17) as function:
            layouts = [layout for _, layout in given]
            values = [Value(*pair) for pair in zip(function.inputs.values(), layouts, strict=True)]
            results = body(*values)
            count = Counter(op.op_type for op in function.operations if op.op_type != "const")
            function.set_outputs([mb.identity(x=value.data) for value in results])
        program = Mil()
        program.add_function("main", function)
        outputs = Program.from_mil(program).run(arrays).values()
        for value, array in zip(results, outputs, strict=True):
            assert value.layout.array_shape == array.shape
        logical = [
            rearranged(array, value.layout.array, value.layout.logical)
            for value, array in zip(results, outputs, strict=True)
        ]
        return logical, count

    return run


def numbers(shape):
    return np.asarray(np.random.default_rng(0).standard_normal(shape, dtype=np.float32))


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("arrange", [plain, tokens, channels_first])
def test_arranging_keeps_the_tensor(arrange, name, evaluate):
    layout = LAYOUTS[name]
    tensor = numbers(layout.shape)

    def body(value):
        arrange(value)
        assert value.layout.logical == layout.logical
        return [value]

    (got,), count = evaluate(body, (tensor, layout))
    np.testing.assert_array_equal(got, tensor)
    assert set(count) <= {"reshape", "transpose"}

    constant = Value.constant(tensor)
    arrange(constant)
    assert constant.is_constant
    np.testing.assert_array_equal(constant.data.reshape(-1), arranged_copy(arrange, tensor))


def arranged_copy(arrange, tensor):
    """The elements of a plain tensor in the order that a rule about its shape alone gives."""
    if arrange is plain or tensor.ndim == 1:
        return tensor.reshape(-1)
    if arrange is channels_first and (tensor.ndim > 4 or tensor.shape[1] > 1):
        return tensor.reshape(-1)  # the second axis is the channels already
    return np.moveaxis(tensor, -1, 1).reshape(-1)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("vector", (1, 5, 1, 1)),
        ("features", (2, 5, 1, 1)),
        ("tokens", (2, 5, 1, 6)),
        ("pixels", (2, 5, 3, 4)),
        ("rank 5", (2, 5, 1, 24)),
        ("one token", (2, 5, 1, 1)),
        ("one channel", (2, 1, 1, 6)),
        ("windows of a map", (4, 3, 1, 6)),
    ],
)
def test_tokens_have_channels_second(name, shape):
    value = Value(np.zeros(LAYOUTS[name].array_shape), LAYOUTS[name])
    tokens(value)
    assert value.data.shape == value.layout.array_shape == shape


@pytest.mark.parametrize("name", ["channels last", "tokens of a map"])
def test_tokens_of_a_map_stay_a_map(name, evaluate):
    def body(value):
        before = value.data
        tokens(value)
        assert value.data is before
        return [value]

    _, count = evaluate(body, (numbers(LAYOUTS[name].shape), LAYOUTS[name]))
    assert not count


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("map", MAP),
        ("channels last", MAP),
        ("tokens of a map", (1, 3, 1, 24)),
        ("windows of a map", (4, 3, 1, 6)),
        ("vector", (5,)),
        ("features", (2, 5, 1, 1)),
        ("one token", (2, 5, 1, 1)),
        ("rank 5", (2, 3, 2, 4, 5)),
    ],
)
def test_channels_first_has_an_axis_a_dimension(name, shape):
    value = Value(np.zeros(LAYOUTS[name].array_shape), LAYOUTS[name])
    channels_first(value)
    assert value.data.shape == shape
    for dim, length in enumerate(value.layout.shape):
        assert (value.layout.find(dim) is None) == (length == 1)


CONSTANTS = {
    "map": [(3, 1, 1), (1, 3, 4, 6), (6,), (1,), (), (1, 1, 4, 1)],
    "channels last": [(3,), (1, 4, 6, 3), (6, 1), (4, 1, 1), ()],
    "tokens of a map": [(3,), (1, 24, 3), (24, 3), (24, 1), (1, 1, 1)],
    "windows of a map": [(3,), (4, 6, 3), (1, 1, 3), (1,)],
}


@pytest.mark.parametrize(
    ("name", "shape"), [(name, shape) for name, shapes in CONSTANTS.items() for shape in shapes]
)
def test_constants_follow_without_operators(name, shape, evaluate):
    layout = LAYOUTS[name]
    tensor, constant = numbers(layout.shape), numbers(shape)

    def body(value):
        other = Value.constant(constant)
        align(value, other)
        assert other.is_constant
        assert other.layout.shape == shape
        data = mb.mul(x=value.data, y=other.data)
        return [Value(data, value.layout)]

    (got,), count = evaluate(body, (tensor, layout))
    np.testing.assert_array_equal(got, tensor * constant)
    assert count == {"mul": 1}


@pytest.mark.parametrize("shape", [(6, 3), (4, 1, 1), (1, 6, 1)])
def test_constants_with_a_part_of_an_axis_are_met_in_plain_order(shape, evaluate):
    layout = LAYOUTS["windows of a map"]
    tensor, constant = numbers(layout.shape), numbers(shape)

    def body(value):
        other = Value.constant(constant)
        align(value, other)
        assert value.layout.array == value.layout.logical
        return [Value(mb.mul(x=value.data, y=other.data), value.layout)]

    (got,), count = evaluate(body, (tensor, layout))
    np.testing.assert_array_equal(got, tensor * constant)
    assert (count["transpose"], count["reshape"]) == (1, 2)


SUMS = {
    "a tensor and itself in another order": (
        Layout.plain((2, 4, 6)),
        Layout.plain((2, 6, 4)).permuted((0, 2, 1)),
        1,
    ),
    "windows and plain windows": (windows_of(Layout.plain(MAP)), Layout.plain((4, 6, 3)), 3),
    "plain windows and windows": (Layout.plain((4, 6, 3)), windows_of(Layout.plain(MAP)), 3),
    "tokens and a row": (tokens_of(Layout.plain(MAP)), Layout.plain((1, 1, 3)), 1),
    "tokens and a column": (Layout.plain((2, 6, 5)), Layout.plain((6, 1)), 1),
    "ranks that differ": (Layout.plain((2, 3, 2, 4, 5)), Layout.plain((4, 5)), 1),
    "7 * 8 and 8 * 7": (
        Layout.plain((7, 8, 3)).reshaped((56, 3)),
        Layout.plain((8, 7, 3)).reshaped((56, 3)),
        2,
    ),
}


@pytest.mark.parametrize("name", SUMS)
def test_aligned_arrays_broadcast(name, evaluate):
    *layouts, most = SUMS[name]
    one, other = (numbers(layout.shape) + at for at, layout in enumerate(layouts))

    def body(first, second):
        logical = [first.layout.shape, second.layout.shape]
        align(first, second)
        assert [first.layout.shape, second.layout.shape] == logical
        return [Value(mb.add(x=first.data, y=second.data), first.layout)]

    (got,), count = evaluate(body, (one, layouts[0]), (other, layouts[1]))
    np.testing.assert_array_equal(got, one + other)
    assert count["transpose"] + count["reshape"] <= most


def test_windows_come_back_to_their_map(evaluate):
    """Swin's residual: what attention gives by windows is added to the map [1, 8, 8, C]."""
    layout = Layout.plain((1, 5, 8, 8)).permuted((0, 2, 3, 1))
    shortcut, windows = numbers((1, 8, 8, 5)), numbers((4, 16, 5)) + 1
    joined = windows.reshape(2, 2, 4, 4, 5).transpose(0, 2, 1, 3, 4).reshape(1, 8, 8, 5)

    def body(one, other):
        parted = other.layout.reshaped((1, 2, 2, 4, 4, 5)).permuted((0, 1, 3, 2, 4, 5))
        whole = Value(other.data, parted.reshaped((1, 8, 8, 5)))
        align(one, whole)
        assert one.data.op is None  # the map is where it was
        return [Value(mb.add(x=one.data, y=whole.data), one.layout)]

    windowed = Layout.plain((4, 16, 5))
    (got,), count = evaluate(body, (shortcut, layout), (windows, windowed))
    np.testing.assert_array_equal(got, shortcut + joined)
    assert (count["transpose"], count["reshape"]) == (1, 2)


def test_a_value_aligned_with_itself_stays(evaluate):
    def body(value):
        before = value.data
        align(value, value)
        assert value.data is before
        return [Value(mb.mul(x=value.data, y=value.data), value.layout)]

    tensor = numbers(MAP)
    (got,), _ = evaluate(body, (tensor, LAYOUTS["map"]))
    np.testing.assert_array_equal(got, tensor**2)
