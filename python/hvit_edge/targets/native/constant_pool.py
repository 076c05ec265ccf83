"""Store the constants of plans, and share them between the methods of one program.

    one plan         header, words, names, constants
    several plans    header, words, names of each; the constants of all of them once, in named data

A plan refers to its constants by offset. If plans are written one after another into one pool, the
offsets of each are valid in all longer states of the pool, and equal constants are stored once.
"""

from __future__ import annotations

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
        data: the constants.
    """

    def __init__(self) -> None:
        self.data = bytearray()
        self._known: dict[bytes, int] = {}

    def offset(self, constant: bytes) -> int:
        """Return the offset of a constant, which is added if it is new."""
        if constant not in self._known:
            self.data.extend(b"\0" * (-len(self.data) % ALIGNMENT))
            self._known[constant] = len(self.data)
            self.data.extend(constant)
        return self._known[constant]


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
