"""Place buffers in the arena so that those that are never alive together share memory."""

from __future__ import annotations

from collections.abc import Sequence

from hvit_edge.targets.native.general_operations import Matmul
from hvit_edge.targets.native.operations import Attention, Operation
from hvit_edge.targets.native.plan_limits import ALIGNMENT
from hvit_edge.targets.native.values import Buffer, Number, Space


def place(operations: Sequence[Operation], number: Number) -> tuple[dict[Buffer, int], int]:
    """Return the offset of each buffer in bytes, and the size of the arena in bytes.

    The largest buffer is placed first. Each buffer goes to the lowest offset at which it overlaps
    no buffer that is alive at the same time ("greedy by size", Pisarchyk and Lee,
    https://arxiv.org/abs/2001.03288).
    """
    lives = lifetimes(operations)
    placed: list[tuple[int, int, Buffer]] = []
    offsets: dict[Buffer, int] = {}
    for buffer in sorted(lives, key=lambda b: (-b.bytes(number), lives[b])):
        size = -(-buffer.bytes(number) // ALIGNMENT) * ALIGNMENT
        offset = 0
        for start, end, other in placed:
            together = lives[buffer][0] <= lives[other][1] and lives[other][0] <= lives[buffer][1]
            if together and offset < end and start < offset + size:
                offset = end
        offsets[buffer] = offset
        placed.append((offset, offset + size, buffer))
        placed.sort(key=lambda item: item[0])
    return offsets, max((end for _, end, _ in placed), default=0)


def lifetimes(operations: Sequence[Operation]) -> dict[Buffer, tuple[int, int]]:
    """Return the first and the last operation that touches each buffer of the arena."""
    lives: dict[Buffer, tuple[int, int]] = {}
    for index, operation in enumerate(operations):
        touched = [*operation.reads(), *operation.writes()]
        if isinstance(operation, Attention | Matmul):
            touched.append(operation.scratch)
        for buffer in touched:
            if buffer.space is Space.ARENA:
                first, _ = lives.get(buffer, (index, index))
                lives[buffer] = (first, index)
    return lives
