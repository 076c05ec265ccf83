"""Products of matrices with themselves, against numpy in float64."""

import numpy as np
import pytest
import torch

from hvit_edge.quantize.self_products import BLOCKS, NARROWEST, add_self_product, complete

RTOL = 1e-6  # of the largest entry: float32 sums of a few hundred products


@pytest.mark.parametrize(
    "columns", [1, 7, NARROWEST, NARROWEST + 1, BLOCKS * NARROWEST, BLOCKS * NARROWEST + 5]
)
def test_sums_of_products(columns):
    sums, expected = torch.zeros(columns, columns), np.zeros((columns, columns))
    for count in (1, 50, 200):
        rows = torch.randn(count, columns)
        add_self_product(sums, rows)
        expected += rows.double().numpy().T @ rows.double().numpy()
    found = complete(sums)
    assert found.dtype is torch.float64
    assert torch.equal(found, found.T)
    assert np.abs(found.numpy() - expected).max() <= RTOL * expected.max()


def test_only_the_upper_half_is_multiplied():
    columns = 8 * NARROWEST
    sums = torch.zeros(columns, columns)
    add_self_product(sums, torch.ones(3, columns))
    assert float((sums != 0).float().mean()) == pytest.approx(9 / 16)


def test_the_lower_half_does_not_count():
    sums = torch.tensor([[1.0, 2.0], [99.0, 3.0]])
    assert complete(sums).tolist() == [[1.0, 2.0], [2.0, 3.0]]
