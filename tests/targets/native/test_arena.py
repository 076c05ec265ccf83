"""Buffers that are alive together never share memory; those that are not, do."""

from dataclasses import is_dataclass

import numpy as np
import pytest

from hvit_edge.targets.native import operations as ops
from hvit_edge.targets.native.arena import ALIGNMENT, lifetimes, place
from hvit_edge.targets.native.kinds import Activation
from hvit_edge.targets.native.operations import Epilogue, Matrices
from hvit_edge.targets.native.values import Buffer, Number, Rows, Space


def rows_of(buffer):
    return Rows(buffer, np.zeros(1, np.int64), buffer.size)


def copy(source, target):
    return ops.Add(rows_of(source), None, 1.0, 1.0, rows_of(target))


def chain(buffers):
    """Each buffer becomes the next one."""
    return [copy(one, next_one) for one, next_one in zip(buffers, buffers[1:], strict=False)]


def touched_by(operation):
    """Every buffer in an operation's fields, however deep: independent of `reads` and `writes`."""
    found, waiting = set(), [operation]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Buffer):
            found.add(value)
        elif is_dataclass(value):
            waiting += vars(value).values()
    return {buffer for buffer in found if buffer.space is Space.ARENA}


def random_program(generator, count):
    """Layers with residuals, sums and attention over values made before."""
    buffers = [Buffer(int(generator.integers(1, 400)), Space.INPUT)]
    operations = []
    for _ in range(count):
        first, second, third = (buffers[generator.integers(len(buffers))] for _ in range(3))
        output = Buffer(int(generator.integers(1, 400)))
        kind = generator.integers(3)
        if kind == 0:
            epilogue = Epilogue(None, rows_of(output), Activation.NONE, rows_of(second))
            operations.append(ops.Linear(rows_of(first), np.zeros((1, first.size)), epilogue))
        elif kind == 1:
            operations.append(ops.Add(rows_of(first), rows_of(second), 1.0, 1.0, rows_of(output)))
        else:
            heads = [Matrices(b, np.zeros(1, np.int64), 1) for b in (first, second, third, output)]
            scratch = Buffer(int(generator.integers(1, 400)))
            sizes = (1, 1, 1, 1, 1)
            operations.append(ops.Attention(*sizes, *heads, None, None, 1.0, scratch))
        buffers.append(output)
        del buffers[: max(0, len(buffers) - 6)]
    return operations


@pytest.mark.parametrize("number", Number)
@pytest.mark.parametrize("seed", range(20))
def test_no_two_live_buffers_overlap(seed, number):
    generator = np.random.default_rng(seed)
    operations = random_program(generator, int(generator.integers(2, 30)))
    offsets, total = place(operations, number)
    live = {}
    for index, operation in enumerate(operations):
        for buffer in touched_by(operation):
            live.setdefault(buffer, []).append(index)
    assert set(offsets) == set(live)
    owners = np.zeros((len(operations), total), int)
    for buffer, moments in live.items():
        start, size = offsets[buffer], number.value.itemsize * buffer.size
        assert start % ALIGNMENT == 0 and start + size <= total
        owners[min(moments) : max(moments) + 1, start : start + size] += 1
    assert owners.max() == 1
    sizes = [number.value.itemsize * buffer.size for buffer in live]
    whole = sum(-(-size // ALIGNMENT) * ALIGNMENT for size in sizes)
    assert total <= whole


def test_lifetimes_go_from_the_first_to_the_last_touch():
    source, a, b, c = Buffer(1, Space.INPUT), Buffer(1), Buffer(1), Buffer(1, Space.OUTPUT)
    operations = [*chain([source, a, b]), copy(a, c)]
    assert lifetimes(operations) == {a: (0, 2), b: (1, 1)}


def test_a_chain_needs_two_buffers():
    buffers = [Buffer(16, Space.INPUT), *(Buffer(16) for _ in range(10))]
    offsets, total = place(chain(buffers), Number.FLOAT32)
    assert total == 2 * 64
    assert sorted(set(offsets.values())) == [0, 64]


def test_the_scratch_of_attention_is_its_own():
    tokens = [Buffer(16) for _ in range(4)]
    heads = [Matrices(buffer, np.zeros(1, np.int64), 4) for buffer in tokens]
    scratch = Buffer(100)
    attention = ops.Attention(1, 4, 4, 4, 4, *heads, None, None, 0.5, scratch)
    offsets, _ = place([attention], Number.FLOAT32)
    assert scratch in offsets and len(set(offsets.values())) == 5


def test_nothing_needs_nothing():
    assert place([], Number.FLOAT32) == ({}, 0)


def test_bytes_are_bytes_whatever_the_numbers_are():
    source, codes = Buffer(64, Space.INPUT), Buffer(130, of_bytes=True)
    for number in Number:
        assert place(chain([source, codes]), number)[1] == 192
