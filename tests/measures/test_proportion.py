"""The interval of a share, against scipy."""

import pytest

from hvit_edge.measures.proportion import wilson_interval

stats = pytest.importorskip("scipy.stats")


@pytest.mark.parametrize(("hits", "total"), [(0, 1), (1, 1), (0, 50), (7, 10), (843, 1000)])
@pytest.mark.parametrize("confidence", [0.95, 0.8])
def test_the_interval_is_that_of_scipy(hits, total, confidence):
    wanted = stats.binomtest(hits, total).proportion_ci(confidence, method="wilson")
    found = wilson_interval(hits, total, confidence=confidence)
    assert found == pytest.approx((wanted.low, wanted.high), abs=1e-12)
