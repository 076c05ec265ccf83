"""Count how often values were seen, without knowing their range in advance."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

BINS = 4096
FINE_BINS = 1 << 15
EXACT = 2.0**-22
"""Width of the narrowest bin, relative to the largest value: float32 must hold the ends of bins."""


@dataclass
class Histogram:
    """Counts how often values were seen, in bins of equal width from `low` to `high`."""

    low: float
    high: float
    counts: torch.Tensor

    @property
    def centers(self) -> torch.Tensor:
        """Return the middle of each bin, float64."""
        width = (self.high - self.low) / len(self.counts)
        return self.low + width * (torch.arange(len(self.counts), dtype=torch.float64) + 0.5)


class GrowingHistogram:
    """Counts values in bins that become wider when a value does not fit.

    Bin i is from `width * (first + i)` to `width * (first + i + 1)`. The width is a power of two,
    so a wider bin consists of complete narrower ones, and no value must be seen again.

    Attributes:
        low, high: the smallest and the largest value so far.
    """

    def __init__(self) -> None:
        self.low, self.high = math.inf, -math.inf
        self._width, self._first = 0.0, 0
        self._counts = torch.zeros(FINE_BINS, dtype=torch.float64)

    def add(self, values: torch.Tensor) -> None:
        """Count values, which must be finite and at least one."""
        low, high = (float(end) for end in values.aminmax())
        self.low, self.high = min(self.low, low), max(self.high, high)
        self._widen()
        start, end = self._width * self._first, self._width * (self._first + FINE_BINS)
        self._counts += torch.histc(values.float(), FINE_BINS, start, end)

    def _widen(self) -> None:
        """Let the bins contain all values from `low` to `high`."""
        width = self._width or self._narrowest()
        while self._index(self.high, width) - self._index(self.low, width) >= FINE_BINS:
            width *= 2
        first = self._first
        if width != self._width or not self._contains(self.low, self.high):
            spare = FINE_BINS - 1 - self._index(self.high, width) + self._index(self.low, width)
            first = self._index(self.low, width) - spare // 2
        if (width, first) != (self._width, self._first):
            self._move(width, first)

    def _narrowest(self) -> float:
        """Return the width of bins for the first values: they take at most half of the bins."""
        largest = max(abs(self.low), abs(self.high))
        least = max(EXACT * largest, (self.high - self.low) / (FINE_BINS // 2))
        return 2.0 ** math.ceil(math.log2(max(least, torch.finfo(torch.float32).tiny)))

    def _contains(self, low: float, high: float) -> bool:
        first, last = (self._index(end, self._width) - self._first for end in (low, high))
        return first >= 0 and last < FINE_BINS

    @staticmethod
    def _index(value: float, width: float) -> int:
        return math.floor(value / width)

    def _move(self, width: float, first: int) -> None:
        """Put the counts so far into bins of another width, of which the first one is `first`."""
        counts = torch.zeros_like(self._counts)
        (seen,) = self._counts.nonzero(as_tuple=True)
        if len(seen):
            old = (seen + self._first).double()
            places = (old / (width / self._width)).floor().long() - first
            counts.index_add_(0, places, self._counts[seen])
        self._width, self._first, self._counts = width, first, counts

    def histogram(self) -> Histogram:
        """Return the counts in `BINS` bins from `low` to `high`; zeros if the two are equal."""
        counts = torch.zeros(BINS, dtype=torch.float64)
        if self.high > self.low:
            (seen,) = self._counts.nonzero(as_tuple=True)
            centers = self._width * (seen + self._first + 0.5).double()
            shares = (centers - self.low) / (self.high - self.low)
            places = (shares * BINS).long().clamp_(0, BINS - 1)
            counts.index_add_(0, places, self._counts[seen])
        return Histogram(self.low, self.high, counts)
