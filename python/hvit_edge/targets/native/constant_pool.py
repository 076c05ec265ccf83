"""Store the constants of plans, and share them between the methods of one program.

    one plan         header, words, names, constants
    several plans    header, words, names of each; the constants of all of them once, in named data

A plan refers to its constants by offset. If plans are written one after another into one pool, the
offsets of each are valid in all longer states of the pool, and equal constants are stored once.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence

from hvit_edge.targets.native.plan_limits import ALIGNMENT

KEY = "hvit_edge_constants"
"""Key of the constants in the named data of a program."""
HEADER = "<9q"
START, BYTES = 7, 8
"""Words of a plan's header: offset and number of bytes of its constants."""


class ConstantPool:
    """Holds the constants of plans, each aligned and stored once.

    Attributes:
        parts: the constants and the padding between them. Constants are not copied.
        size: the number of bytes of all parts.
    """

    def __init__(self) -> None:
        self.parts: list[bytes | memoryview] = []
        self.size = 0
        self._known: dict[bytes, int] = {}

    def offset(self, constant: bytes | memoryview) -> int:
        """Return the offset of a constant, which is added if it is new, and must not change."""
        digest = hashlib.sha256(constant).digest()
        if digest not in self._known:
            self._add(bytes(-self.size % ALIGNMENT))
            self._known[digest] = self.size
            self._add(constant)
        return self._known[digest]

    def _add(self, part: bytes | memoryview) -> None:
        self.parts.append(part)
        self.size += len(part)


def share_constants(plans: Sequence[bytes]) -> tuple[list[bytes], bytes]:
    """Take the constants out of plans that were written into one pool.

    Returns:
        The plans without constants, and the constants of all of them, which the program stores as
        named data under `KEY`.
    """
    constants = max(map(_constants, plans), key=len)
    assert all(constants.startswith(_constants(plan)) for plan in plans), "plans of other pools"
    return list(map(_without_constants, plans)), constants


def _header(plan: bytes) -> list[int]:
    return list(struct.unpack_from(HEADER, plan))


def _constants(plan: bytes) -> bytes:
    header = _header(plan)
    return plan[header[START] : header[START] + header[BYTES]]


def _without_constants(plan: bytes) -> bytes:
    """Return a plan that starts its constants at 0, which means that they are in named data."""
    header = _header(plan)
    start, header[START] = header[START], 0
    return struct.pack(HEADER, *header) + plan[struct.calcsize(HEADER) : start]
