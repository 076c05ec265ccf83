"""The bytes of a plan: header, words, constants, each where the reader looks."""

import struct

import numpy as np
import pytest

from hvit_edge.errors import LoweringError
from hvit_edge.targets.native import operations as ops
from hvit_edge.targets.native.general_operations import Binary, Reduction, Softmax, Unary
from hvit_edge.targets.native.kinds import OLDEST_VERSION, Activation, Arithmetic, Function, Reduce
from hvit_edge.targets.native.operations import Epilogue
from hvit_edge.targets.native.pack_weights import panels
from hvit_edge.targets.native.plan_limits import ALIGNMENT, PANEL
from hvit_edge.targets.native.values import Buffer, Number, Rows, Space
from hvit_edge.targets.native.write_plan import MAGIC, write_plan

HEADER = ("version", "arena", "input", "output", "words", "names", "start", "constants")


def rows(buffer, width, count=1):
    return Rows(buffer, np.arange(count, dtype=np.int64) * width, width)


def read(data, number=Number.FLOAT32):
    """Header by name, words, names and constants."""
    assert data[:8] == MAGIC[number]
    header = dict(zip(HEADER, struct.unpack_from("<8q", data, 8), strict=True))
    words = struct.unpack_from(f"<{header['words']}q", data, 72)
    names = data[72 + 8 * header["words"] :][: header["names"]]
    return header, words, names, data[header["start"] :]


def linear(columns, depth, source, target, *, name="", tokens=1, bias=None):
    weights = np.arange(columns * depth, dtype=np.float32).reshape(columns, depth)
    epilogue = Epilogue(bias, rows(target, columns, tokens))
    return ops.Linear(rows(source, depth, tokens), weights, epilogue, name=name)


@pytest.mark.parametrize("number", Number)
def test_a_plan_of_one_layer(number):
    source, target = Buffer(6, Space.INPUT), Buffer(10, Space.OUTPUT)
    bias = np.arange(5, dtype=np.float64)
    layer = linear(5, 3, source, target, name="Linear head", tokens=2, bias=bias)
    plan = write_plan([layer], source, target, number)
    header, words, names, constants = read(plan, number)
    assert (header["version"], header["arena"]) == (OLDEST_VERSION, 0)
    size = number.value.itemsize
    assert (header["input"], header["output"]) == (6 * size, 10 * size)
    assert names == b"Linear head\0"
    assert header["start"] % ALIGNMENT == 0
    assert len(constants) == header["constants"]
    # kind, rows, depth, columns, taps, input rows, weights, bias, activation, no residual,
    # activation, output rows
    assert words[:4] == (0, 2, 3, 5) and words[4] == -1
    assert words[5:9] == (Space.INPUT, 0, 3, -1)
    weights_at, bias_at = words[9:11]
    assert words[11:14] == (Activation.NONE, -1, Activation.NONE)
    assert words[14:] == (Space.OUTPUT, 0, 5, -1)
    found = np.frombuffer(constants, number.value, 3 * PANEL, weights_at).reshape(3, PANEL)
    assert np.array_equal(found[:, :5], layer.weights.T) and not found[:, 5:].any()
    found = np.frombuffer(constants, number.value, PANEL, bias_at)
    assert list(found) == [0, 1, 2, 3, 4] + [0] * 11


def test_equal_constants_lie_there_once_and_aligned():
    source, middle, target = Buffer(3, Space.INPUT), Buffer(3), Buffer(3, Space.OUTPUT)
    layers = [linear(3, 3, source, middle), linear(3, 3, middle, target)]
    _, words, _, constants = read(write_plan(layers, source, target))
    half = len(words) // 2
    assert words[9] == words[half + 9] == 0
    assert len(constants) == 4 * 3 * PANEL
    other = linear(3, 3, middle, target)
    other.weights = other.weights + 1
    _, words, _, _ = read(write_plan([layers[0], other], source, target))
    assert words[half + 9] == 4 * 3 * PANEL and words[half + 9] % ALIGNMENT == 0


def test_rows_that_are_no_fixed_way_apart_have_a_table():
    source, target = Buffer(30, Space.INPUT), Buffer(3, Space.OUTPUT)
    input_rows = Rows(source, np.array([20, 0, 10]), 1)
    copy = ops.Add(input_rows, None, 2.0, 1.0, rows(target, 1, 3), Activation.RELU)
    _, words, _, constants = read(write_plan([copy], source, target))
    assert words[0] == 6 and words[1:3] == (3, 1)
    assert words[3:6] == (Space.INPUT, 0, 0)
    assert list(np.frombuffer(constants, np.int32, 3, words[6])) == [20, 0, 10]
    assert words[7] == -1  # no right side
    assert struct.unpack("<2d", struct.pack("<2q", *words[8:10])) == (2.0, 1.0)
    assert words[10] == Activation.RELU


@pytest.mark.parametrize("number", Number)
def test_rows_that_begin_behind_the_buffers_beginning(number):
    source, target = Buffer(30, Space.INPUT), Buffer(4, Space.OUTPUT)
    input_rows = Rows(source, np.array([7, 17]), 2)
    copy = ops.Add(input_rows, None, 1.0, 1.0, rows(target, 2, 2))
    _, words, _, _ = read(write_plan([copy], source, target, number), number)
    assert words[3:7] == (Space.INPUT, number.value.itemsize * 7, 10, -1)


def test_a_constant_buffer_is_written_with_its_values():
    source, target = Buffer(2, Space.INPUT), Buffer(2, Space.OUTPUT)
    added = Buffer(2, Space.CONSTANTS, np.array([1.5, -2], np.float32))
    add = ops.Add(rows(source, 2), rows(added, 2), 1.0, 1.0, rows(target, 2))
    _, words, _, constants = read(write_plan([add], source, target))
    assert words[7] == Space.CONSTANTS
    assert list(np.frombuffer(constants, np.float32, 2, words[8])) == [1.5, -2]


@pytest.mark.parametrize(("columns", "depth"), [(1, 1), (16, 4), (17, 3), (33, 5)])
def test_panels(columns, depth):
    weights = np.random.default_rng(0).standard_normal((columns, depth))
    packed = panels(weights)
    assert packed.flags.c_contiguous
    assert packed.shape == (-(-columns // PANEL), depth, PANEL)
    whole = packed.transpose(0, 2, 1).reshape(-1, depth)
    assert np.array_equal(whole[:columns], weights)
    assert not whole[columns:].any()


def test_constants_that_float16_does_not_hold_are_refused():
    source, target = Buffer(3, Space.INPUT), Buffer(2, Space.OUTPUT)
    layer = linear(2, 3, source, target, bias=np.array([-np.inf, 1e5]))
    write_plan([layer], source, target)
    with pytest.raises(LoweringError, match=r"constants that float16 holds, got 100000; .*fp32"):
        write_plan([layer], source, target, Number.FLOAT16)


def test_infinite_constants_stay_infinite():
    source, target = Buffer(3, Space.INPUT), Buffer(1, Space.OUTPUT)
    layer = linear(1, 3, source, target, bias=np.array([-np.inf]))
    plan = write_plan([layer], source, target, Number.FLOAT16)
    _, words, _, constants = read(plan, Number.FLOAT16)
    assert np.frombuffer(constants, np.float16, 1, words[10]) == -np.inf


def test_the_version_is_the_lowest_that_has_every_operation():
    source, target = Buffer(3, Space.INPUT), Buffer(3, Space.OUTPUT)

    def version(operation):
        return read(write_plan([operation], source, target))[0]["version"]

    def add(activation):
        return ops.Add(rows(source, 3), None, 1.0, 1.0, rows(target, 3), activation)

    assert version(add(Activation.GELU)) == OLDEST_VERSION == 1
    assert version(add(Activation.SIGMOID)) == 2
    later = linear(3, 3, source, target)
    later.epilogue.second = Activation.HARDSWISH
    assert version(later) == 2
    unary = Unary(Function.EXP, 0.0, 0.0, rows(source, 3), rows(target, 3))
    assert version(unary) == 2
    sides = ops.Side(rows(source, 3), False), ops.Side(rows(source, 3), False)
    assert version(Binary(Arithmetic.POWER, *sides, rows(target, 3))) == 2
    assert version(Binary(Arithmetic.GREATER, *sides, rows(target, 3))) == 3


def test_the_words_of_general_operations():
    source, target = Buffer(6, Space.INPUT), Buffer(6, Space.OUTPUT)
    both = rows(source, 3, 2), rows(target, 3, 2)
    one = Rows(source, np.array([0, 5]), 1)
    half = struct.unpack("<q", struct.pack("<d", 0.5))[0]
    at = (Space.INPUT, 0, 3, -1), (Space.OUTPUT, 0, 3, -1)

    def words(operation):
        return read(write_plan([operation], source, target))[1]

    unary = Unary(Function.CLAMP, 0.5, 0.5, *both)
    assert words(unary) == (14, Function.CLAMP, half, half, 2, 3, *at[0], *at[1])
    sides = ops.Side(both[0], False), ops.Side(one, True)
    binary = Binary(Arithmetic.DIVIDE, *sides, both[1], Activation.TANH)
    assert words(binary) == (
        *(15, Arithmetic.DIVIDE, 2, 3, 0, *at[0], 1, Space.INPUT, 0, 5, -1),
        *(Activation.TANH, *at[1]),
    )
    reduction = Reduction(Reduce.ROOT, True, 0.5, 0.5, 1, both[0], rows(target, 1, 2))
    assert words(reduction) == (
        *(16, Reduce.ROOT, 1, half, half, 2, 1, 3, *at[0], Space.OUTPUT, 0, 1, -1),
    )
    softmax = Softmax(True, *both)
    assert words(softmax) == (17, 1, 2, 3, *at[0], *at[1])
