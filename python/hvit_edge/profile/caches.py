"""Read the modeled cache misses of QEMU's instruction counter (cpp/qemu/cache_model.h)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hvit_edge.profile.operator_groups import GROUPS, group_of

Misses = tuple[int, ...]
"""Lines that the first, second and last level of a core's caches do not have."""


@dataclass(frozen=True)
class CacheMisses:
    """Holds the misses of one inference, repeated while the caches hold what the one before left.

    Attributes:
        line: bytes of a line.
        total: misses of the whole inference.
        operators: name and misses of each operator, in order.
    """

    line: int
    total: Misses
    operators: tuple[tuple[str, Misses], ...]

    @property
    def kernels(self) -> dict[str, Misses]:
        """Return the misses by kind of operator, see `operator_groups`."""
        found = {group: [misses for name, misses in self.operators if group_of(name) == group]
                 for group in GROUPS}  # fmt: skip
        return {group: _sum(rows) for group, rows in found.items() if rows}


def misses_of(
    operators: Sequence[dict[str, Any]], counted: dict[str, Any]
) -> dict[str, CacheMisses]:
    """Return the misses by the name of the core.

    Args:
        operators: each with "name", "first" and "last", the numbers of the clock reads around it.
        counted: the report of the counter: "caches", "misses" and "missed".
    """
    return {
        core["core"]: CacheMisses(
            core["line"],
            tuple(counted["misses"][index]),
            tuple(
                (each["name"], _between(counted["missed"], each["first"], each["last"], index))
                for each in operators
            ),
        )
        for index, core in enumerate(counted["caches"])
    }


def _between(missed: list[list[list[int]]], first: int, last: int, core: int) -> Misses:
    before, after = missed[first][core], missed[last][core]
    return tuple(b - a for a, b in zip(before, after, strict=True))


def _sum(rows: list[Misses]) -> Misses:
    return tuple(map(sum, zip(*rows, strict=True)))
