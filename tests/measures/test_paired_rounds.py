"""Comparisons of times by rounds, against scipy."""

import numpy as np
import pytest

from hvit_edge.errors import InputError
from hvit_edge.measures.paired_rounds import compare_rounds

stats = pytest.importorskip("scipy.stats")


@pytest.mark.parametrize("rounds", [6, 7, 10, 25, 60])
def test_the_interval_is_that_of_the_median(rounds):
    ratios = np.random.default_rng(rounds).lognormal(0.1, 0.2, rounds)
    found = compare_rounds(2 * ratios, np.full(rounds, 2.0))
    wanted = stats.quantile_test(ratios, p=0.5).confidence_interval(0.95)
    assert found.ratio == pytest.approx(np.median(ratios))
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high))


def test_the_coverage_is_that_of_the_binomial_distribution():
    found = compare_rounds(np.arange(1.0, 11), np.ones(10))
    assert (found.low, found.high) == (2, 9)
    assert found.coverage == pytest.approx(1 - 2 * stats.binom.cdf(1, 10, 0.5))
    six = compare_rounds(np.arange(1.0, 7), np.ones(6))
    assert (six.low, six.high, six.coverage) == (1, 6, 1 - 2 / 64)


def test_the_sign_test_leaves_out_equal_times():
    found = compare_rounds([1, 2, 2, 2, 2, 2, 3], [1, 1, 1, 1, 1, 3, 1])
    assert (found.slower, found.faster) == (5, 1)
    assert found.p_value == pytest.approx(stats.binomtest(1, 6, 0.5).pvalue)
    same = compare_rounds([1] * 6, [1] * 6)
    assert (same.slower, same.faster, same.p_value, same.low, same.high) == (0, 0, 1, 1, 1)


def test_a_slow_phase_of_the_machine_cancels():
    load = np.array([1, 1, 5, 5, 1, 3, 1, 2])
    found = compare_rounds(1.1 * load, 1.0 * load)
    assert (found.low, found.high) == pytest.approx((1.1, 1.1)) and found.p_value < 0.01


@pytest.mark.parametrize(("first", "second"), [([1] * 5, [1] * 5), ([1] * 6, [1] * 7)])
def test_too_few_rounds_are_refused(first, second):
    with pytest.raises(InputError, match=r"expected at least 6 rounds of both, got \d and \d"):
        compare_rounds(first, second)
