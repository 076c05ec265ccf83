"""Declare inputs of a module, and draw samples from them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hvit_edge.errors import InputError

DTYPES = ("float32", "int32", "int64", "uint8", "bool")
"""Supported dtypes of inputs and outputs."""
DRAWN = "drawn: "
"""Begins the source of samples that were drawn from declarations."""
_DESCRIBED = re.compile(r"(.+) (\w+) \[([\d, ]*)\] (?:normal|of either value|from (\S+) to (\S+))")


@dataclass(frozen=True)
class InputSpec:
    """Declares an input of a module, from which samples are drawn.

    Attributes:
        name: name of the argument of `forward`.
        shape: fixed shape, such as (1, 200, 80).
        dtype: "float32", "int32", "int64", "uint8" or "bool".
        range: lowest and highest value. Without a range, float32 is drawn from the standard normal
            distribution. Integers require one, because their values usually have a meaning (the
            rows of a table). It is not allowed for bool.

    Raises:
        InputError: an attribute is not as described.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"
    range: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", tuple(self.shape))
        faults = list(self._faults())
        if faults:
            raise InputError(f"[InputSpec] {self.name}: " + "; ".join(faults))

    def draw(self, generator: np.random.Generator) -> np.ndarray:
        """Return one array of this shape and dtype."""
        if self.dtype == "bool":
            return generator.integers(0, 2, self.shape).astype(bool)
        if self.range is None:
            return generator.standard_normal(self.shape).astype(np.float32)
        low, high = self.range
        if self.dtype == "float32":
            return generator.uniform(low, high, self.shape).astype(np.float32)
        return generator.integers(int(low), int(high), self.shape, endpoint=True).astype(self.dtype)

    def describe(self) -> str:
        """Return how samples are drawn as text, such as `ids int64 [1, 8] from 0 to 99`."""
        of = f"{self.name} {self.dtype} {list(self.shape)}"
        if self.dtype == "bool":
            return f"{of} of either value"
        if self.range is None:
            return f"{of} normal"
        return f"{of} from {self.range[0]!r} to {self.range[1]!r}"

    def _faults(self) -> Iterator[str]:
        if any(
            isinstance(side, bool) or not isinstance(side, int) or side < 1 for side in self.shape
        ):
            yield f"shape: expected sides of 1 or more, got {self.shape}; shapes are fixed"
        if self.dtype not in DTYPES:
            yield f"dtype: expected one of {', '.join(DTYPES)}, got {self.dtype!r}"
        elif self.dtype == "bool" and self.range is not None:
            yield f"range: expected none with bool, got {self.range}; remove it"
        elif self.dtype not in ("float32", "bool") and self.range is None:
            yield f"range: expected one with {self.dtype}, got none; give (lowest, highest)"
        elif self.range is not None:
            yield from self._range_faults(*self.range)

    def _range_faults(self, low: float, high: float) -> Iterator[str]:
        if not (math.isfinite(low) and math.isfinite(high) and low <= high):
            yield f"range: expected two finite numbers in order, got {self.range}"
        elif self.dtype != "float32":
            info = np.iinfo(self.dtype)
            if low != int(low) or high != int(high) or low < info.min or high > info.max:
                yield f"range: expected whole numbers that {self.dtype} holds, got {self.range}"


def source_of(specs: tuple[InputSpec, ...]) -> str:
    """Return the source that an artifact records for samples drawn from `specs`."""
    return DRAWN + "; ".join(spec.describe() for spec in specs)


def declared_in(source: str) -> list[InputSpec]:
    """Return the declarations in a source from `source_of`; empty for any other source."""
    if not source.startswith(DRAWN):
        return []
    parts = source.removeprefix(DRAWN).split("; ")
    found = [match for part in parts if (match := _DESCRIBED.fullmatch(part))]
    if len(found) < len(parts):
        return []
    return [_declared(*match.groups()) for match in found]


def _declared(name: str, dtype: str, shape: str, low: str | None, high: str | None) -> InputSpec:
    sides = tuple(int(side) for side in shape.split(",") if side.strip())
    return InputSpec(
        name, sides, dtype, None if low is None or high is None else (float(low), float(high))
    )
