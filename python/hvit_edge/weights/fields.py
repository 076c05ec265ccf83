"""Read typed fields of a JSON object that another library wrote, and collect all faults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hvit_edge.errors import InputError


class Fields:
    """Reads one object field by field.

    A field that is missing or null has its default. A value of a wrong type is recorded as a fault,
    and the default is returned, so that one message can list all faults.
    """

    def __init__(self, content: Mapping[str, Any], where: str) -> None:
        self.content = content
        self.where = where
        self.faults: list[str] = []

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value without a check, or the default if it is missing or null."""
        value = self.content.get(name)
        return default if value is None else value

    def text(self, name: str, default: str = "") -> str:
        """Read a string."""
        value = self.get(name, default)
        return value if isinstance(value, str) else self.refuse(name, "text", value, default)

    def flag(self, name: str, default: bool) -> bool:
        """Read true or false."""
        value = self.get(name, default)
        wrong = not isinstance(value, bool)
        return self.refuse(name, "true or false", value, default) if wrong else value

    def number(self, name: str, default: float) -> float:
        """Read a finite number."""
        value = self.get(name, default)
        return value if is_number(value) else self.refuse(name, "a number", value, default)

    def whole(self, name: str, default: int | None, least: int = 1) -> int | None:
        """Read an integer of at least `least`."""
        value = self.get(name, default)
        if value is default or (is_whole(value) and value >= least):
            return value
        return self.refuse(name, f"a whole number of at least {least}", value, default)

    def numbers(self, name: str, count: int, default: tuple[float, ...]) -> tuple[float, ...]:
        """Read a list of `count` finite numbers."""
        value = self.get(name, default)
        if isinstance(value, (list, tuple)) and len(value) == count and all(map(is_number, value)):
            return tuple(value)
        return self.refuse(name, f"{count} numbers", value, default)

    def mapping(self, name: str) -> dict[str, Any]:
        """Read an object; empty if there is none."""
        value = self.get(name, {})
        if isinstance(value, Mapping):
            return dict(value)
        return self.refuse(name, "an object", value, {})

    def refuse(self, name: str, expected: str, got: Any, instead: Any = None) -> Any:
        """Record a fault and return `instead`."""
        self.faults.append(f"{name}: expected {expected}, got {got!r}")
        return instead

    def finish(self) -> None:
        """Raise InputError with every fault that was recorded."""
        if self.faults:
            raise self.error()

    def error(self) -> InputError:
        """Return the error with every fault that was recorded."""
        return InputError(f"[{self.where}] " + "; ".join(self.faults))


def is_number(value: Any) -> bool:
    """Return True for finite numbers, not for booleans."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return abs(value) < 1e300  # false for NaN


def is_whole(value: Any) -> bool:
    """Return True for integers with a magnitude below 2^31, not for booleans."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**31


def same(value: Any, expected: Any) -> bool:
    """Return True if JSON values are equal: lists equal tuples, 2.0 equals 2, true is not 1."""
    if isinstance(expected, (list, tuple)):
        many = isinstance(value, (list, tuple)) and len(value) == len(expected)
        return many and all(map(same, value, expected))
    if isinstance(value, bool) or isinstance(expected, bool):
        return value is expected
    return value == expected
