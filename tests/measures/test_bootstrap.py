"""Intervals by resampling, against scipy and against closed forms."""

import numpy as np
import pytest

from hvit_edge.measures import bootstrap
from hvit_edge.measures.bootstrap import bootstrap_interval

stats = pytest.importorskip("scipy.stats")


def test_the_interval_of_a_mean_is_that_of_scipy():
    """Both draw 10,000 samples; quantiles of so many differ by about 2 % of the spread."""
    values = np.random.default_rng(1).normal(size=200)
    found = bootstrap_interval(values[:, None], lambda sums: sums[:, 0] / 200)
    wanted = stats.bootstrap(
        (values,), np.mean, method="percentile", n_resamples=10_000, rng=np.random.default_rng(2)
    ).confidence_interval
    spread = values.std() / np.sqrt(200)
    assert found == pytest.approx((wanted.low, wanted.high), abs=0.1 * spread)


def test_equal_rows_are_drawn_together_as_a_binomial_draw():
    """A share of 300 of 1,000 images: its samples are binomial."""
    hits = np.repeat([[0.0], [1.0]], [700, 300], axis=0)
    found = bootstrap_interval(hits, lambda sums: sums[:, 0] / 1000)
    wanted = stats.binom.ppf([0.025, 0.975], 1000, 0.3) / 1000
    assert found == pytest.approx(wanted, abs=2.5e-3)


def test_the_interval_covers_the_truth_as_often_as_it_says():
    """Of 400 data sets, 95 % within four standard deviations of the count cover the mean."""
    random = np.random.default_rng(3)
    covered = 0
    for _ in range(400):
        rows = random.normal(size=(60, 1))
        low, high = bootstrap_interval(rows, lambda sums: sums[:, 0] / 60, samples=500)
        covered += low <= 0 <= high
    assert abs(covered - 380) <= 4 * np.sqrt(400 * 0.95 * 0.05)


def test_blocks_do_not_change_the_number_of_samples(monkeypatch):
    rows, sizes = np.arange(10.0)[:, None], []

    def measure(sums):
        sizes.append(len(sums))
        return sums[:, 0]

    monkeypatch.setattr(bootstrap, "BLOCK", 70)
    bootstrap_interval(rows, measure, samples=20)
    assert sizes == [7, 7, 6]


def test_a_seed_repeats_the_interval():
    rows = np.arange(30.0)[:, None]
    first, second = (bootstrap_interval(rows, lambda s: s[:, 0], samples=100) for _ in range(2))
    assert first == second
