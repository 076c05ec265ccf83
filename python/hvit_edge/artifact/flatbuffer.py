"""Read flatbuffers by the numbers of their fields. Imports no torch."""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass


def root(data: bytes | mmap.mmap) -> Table:
    """Return the first table of a flatbuffer."""
    return Table(data, struct.unpack_from("<I", data)[0])


@dataclass(frozen=True)
class Table:
    """Reads a flatbuffer table, whose vtable has an offset for each field."""

    data: bytes | mmap.mmap
    position: int

    def _field(self, number: int) -> int | None:
        vtable = self.position - struct.unpack_from("<i", self.data, self.position)[0]
        length = struct.unpack_from("<H", self.data, vtable)[0]
        entry = 4 + 2 * number
        if entry >= length:
            return None
        offset = struct.unpack_from("<H", self.data, vtable + entry)[0]
        return self.position + offset if offset else None

    def _follow(self, at: int) -> int:
        return at + struct.unpack_from("<I", self.data, at)[0]

    def scalar(self, number: int, code: str) -> int:
        """Read a number by its struct code; 0 if it is missing."""
        at = self._field(number)
        return 0 if at is None else struct.unpack_from(f"<{code}", self.data, at)[0]

    def string(self, number: int) -> str:
        """Read text; empty if it is missing."""
        at = self._field(number)
        if at is None:
            return ""
        start = self._follow(at)
        length = struct.unpack_from("<I", self.data, start)[0]
        return self.data[start + 4 : start + 4 + length].decode("utf-8")

    def table(self, number: int) -> Table:
        """Read a table; raise ValueError if it is missing."""
        at = self._field(number)
        if at is None:
            raise ValueError(f"field {number} is missing")
        return Table(self.data, self._follow(at))

    def tables(self, number: int) -> list[Table]:
        """Read a vector of tables; empty if it is missing.

        Raises:
            ValueError: the vector is longer than the file.
        """
        at = self._field(number)
        if at is None:
            return []
        start = self._follow(at)
        count = struct.unpack_from("<I", self.data, start)[0]
        first = start + 4
        if first + 4 * count > len(self.data):
            raise ValueError("a vector leaves the file")
        return [Table(self.data, self._follow(first + 4 * i)) for i in range(count)]
