"""McNemar's test, against scipy and statistics of binomial coins."""

import pytest

from hvit_edge.measures.mcnemar import EXACT_UP_TO, fair_tail, mcnemar

stats = pytest.importorskip("scipy.stats")


@pytest.mark.parametrize(
    ("first", "second"), [(0, 0), (1, 0), (5, 5), (3, 12), (12, 3), (40, 71), (499, 501), (0, 1000)]
)
def test_the_exact_test_is_the_binomial_one(first, second):
    found = mcnemar(first, second)
    total = first + second
    wanted = stats.binomtest(first, total, 0.5).pvalue if total else 1.0
    assert found.method == "exact" and total <= EXACT_UP_TO
    assert found.p_value == pytest.approx(wanted, rel=1e-9)
    assert (found.only_first, found.only_second) == (first, second)


@pytest.mark.parametrize(("first", "second"), [(501, 500), (520, 600), (700, 400)])
def test_many_images_use_chi_square_with_continuity_correction(first, second):
    found = mcnemar(first, second)
    statistic = (abs(first - second) - 1) ** 2 / (first + second)
    assert found.method == "chi-square"
    assert found.p_value == pytest.approx(stats.chi2.sf(statistic, 1), rel=1e-9)


@pytest.mark.parametrize(("most", "total"), [(-1, 5), (0, 5), (3, 5), (5, 5), (450, 1000)])
def test_the_tail_of_a_fair_coin(most, total):
    assert fair_tail(most, total) == pytest.approx(stats.binom.cdf(most, total, 0.5), rel=1e-9)
