"""Tolerances of the gate of arrays."""

import numpy as np
import pytest

from hvit_edge.compiler.tensor_gate import scatter_db


@pytest.mark.parametrize("count", [4, 8, 64, 1000])
def test_random_errors_are_rarely_further_apart(count):
    errors = np.random.default_rng(0).standard_normal((2, 20_000, count))
    energies = (errors**2).sum(-1)
    apart = np.abs(10 * np.log10(energies[0] / energies[1]))
    assert np.mean(apart > scatter_db(count)) < 0.015
    assert np.mean(apart > scatter_db(count) / 3) > 0.2  # it is no larger than needed


def test_many_values_and_none_have_no_scatter():
    assert scatter_db(10**6) < 0.03
    assert scatter_db(0) == 0
