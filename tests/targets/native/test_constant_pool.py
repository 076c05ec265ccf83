"""Plans that share constants: their offsets stay valid, and equal constants are stored once."""

import struct

import numpy as np
import pytest

from hvit_edge.targets.native import operations as ops
from hvit_edge.targets.native.constant_pool import ConstantPool, share_constants
from hvit_edge.targets.native.operations import Epilogue
from hvit_edge.targets.native.pack_weights import panels
from hvit_edge.targets.native.plan_limits import ALIGNMENT
from hvit_edge.targets.native.values import Buffer, Rows, Space
from hvit_edge.targets.native.write_plan import write_plan

WEIGHTS = np.arange(15, dtype=np.float32).reshape(5, 3)
OWN_WEIGHTS = WEIGHTS + 100


def plan(tokens, pool=None, *, weights=(WEIGHTS,)):
    """A plan of linear layers over a number of tokens."""
    source, target = Buffer(3 * tokens, Space.INPUT), Buffer(5 * tokens, Space.OUTPUT)

    def rows(buffer, width):
        return Rows(buffer, np.arange(tokens, dtype=np.int64) * width, width)

    layers = [
        ops.Linear(rows(source, 3), w, Epilogue(None, rows(target, 5)), name="Linear")
        for w in weights
    ]
    return write_plan(layers, source, target, pool=pool)


def header(data):
    return struct.unpack_from("<8q", data, 8)


def weights_at(data, constants):
    """The offset of the first layer's weights, and the packed weights there."""
    offset = struct.unpack_from("<q", data, 72 + 8 * 9)[0]
    size = panels(WEIGHTS).astype(np.float32).nbytes
    return offset, constants[offset : offset + size]


def test_a_pool_stores_equal_constants_once_and_aligned():
    pool = ConstantPool()
    assert pool.offset(b"abc") == 0
    assert pool.offset(b"de") == ALIGNMENT
    assert pool.offset(b"abc") == 0
    assert b"".join(pool.parts) == b"abc".ljust(ALIGNMENT, b"\0") + b"de"


def test_a_plan_without_a_pool_is_that_of_a_new_pool():
    assert plan(2) == plan(2, ConstantPool())


def test_later_plans_keep_the_offsets_of_earlier_ones():
    pool = ConstantPool()
    first = plan(2, pool)
    second = plan(3, pool, weights=(OWN_WEIGHTS, WEIGHTS))
    (short, long), constants = share_constants([first, second])
    assert constants == second[header(second)[6] :]
    for data, wanted in ((short, WEIGHTS), (long, OWN_WEIGHTS)):
        offset, packed = weights_at(data, constants)
        assert packed == panels(wanted).astype(np.float32).tobytes()
        assert offset % ALIGNMENT == 0


def test_only_the_constants_and_their_start_are_taken_out():
    data = plan(2, ConstantPool())
    (stripped,), constants = share_constants([data])
    start = header(data)[6]
    assert len(stripped) == start and constants == data[start:]
    assert header(stripped) == (*header(data)[:6], 0, header(data)[7])
    assert stripped[72:] == data[72:start] and stripped[:8] == data[:8]


def test_plans_of_different_pools_are_not_mixed():
    first, other = plan(2), plan(2, weights=(OWN_WEIGHTS, WEIGHTS))
    with pytest.raises(AssertionError, match="plans of other pools"):
        share_constants([first, other])
