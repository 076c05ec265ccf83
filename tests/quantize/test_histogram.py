"""Counts of values whose range grows, against numpy's histogram of all of them."""

import numpy as np
import pytest
import torch

from hvit_edge.quantize.histogram import BINS, GrowingHistogram

RNG = np.random.default_rng(0)
PARTS = {
    "one part": [RNG.normal(size=5000)],
    "growing": [RNG.normal(size=1000) * 4**i for i in range(8)],
    "shrinking": [RNG.normal(size=1000) * 4.0**-i for i in range(8)],
    "positive": [RNG.exponential(size=2000) * (i + 1) for i in range(4)],
    "moving": [RNG.normal(size=1000) + 10 * i for i in range(-3, 4)],
    "far from zero": [RNG.normal(size=2000) + 1000, RNG.normal(size=2000) + 1001],
    "an outlier": [RNG.normal(size=2000), np.array([1e6])],
    "constant first": [np.full(10, 3.0), RNG.normal(size=2000)],
    "zero first": [np.zeros(10), RNG.normal(size=2000)],
    "tiny": [1e-30 * RNG.normal(size=2000), 1e-29 * RNG.normal(size=2000)],
    "huge": [1e30 * RNG.normal(size=2000), 1e31 * RNG.normal(size=2000)],
}


def grown(parts) -> GrowingHistogram:
    seen = GrowingHistogram()
    for part in parts:
        seen.add(torch.from_numpy(np.float32(part)))
    return seen


@pytest.mark.parametrize("name", PARTS)
def test_counts_what_numpy_counts(name):
    values = np.concatenate([np.float32(part) for part in PARTS[name]])
    found = grown(PARTS[name]).histogram()
    assert (found.low, found.high) == (values.min(), values.max())
    assert found.counts.shape == (BINS,)
    assert int(found.counts.sum()) == len(values)
    expected, _ = np.histogram(values.astype(np.float64), BINS, (found.low, found.high))
    early, late = np.cumsum(expected)[:-1], np.cumsum(found.counts.numpy())
    # A value is at most one bin away.
    assert (late[:-1] >= np.concatenate([[0], early[:-1]])).all()
    assert (late[1:] >= early).all()
    assert (late[:-2] <= early[1:]).all()


@pytest.mark.parametrize("value", [0.0, 2.0, -3.0])
def test_a_constant_has_no_counts(value):
    found = grown([np.full(4, value), np.full(4, value)]).histogram()
    assert (found.low, found.high) == (value, value)
    assert not found.counts.any()
