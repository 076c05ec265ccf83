"""Check the schedule of the training examples. Their own tests check the steps and resuming."""

from __future__ import annotations

import pytest
from training import learning_rate


def test_learning_rate_is_one_cycle():
    rates = [learning_rate(step, 100, 1.0) for step in range(100)]
    assert rates[0] == pytest.approx(0.04)
    assert max(rates) == rates[25] == 1.0
    assert rates[:26] == sorted(rates[:26]) and rates[25:] == sorted(rates[25:], reverse=True)
    assert rates[-1] < 0.002
