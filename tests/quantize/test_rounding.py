"""Weights rounded for least output error, against nearest rounding and the method in numpy."""

import numpy as np
import pytest
import torch

from hvit_edge.quantize.moments import Moments
from hvit_edge.quantize.rounding import mean_error, round_weight, rounding_orders
from hvit_edge.quantize.weights import quantize_weight


def correlated(rng, count: int, inputs: int, share: float) -> np.ndarray:
    """Rows [count, inputs] whose variance comes, by `share`, from a few common causes."""
    common = rng.normal(size=(count, 3)) @ rng.normal(size=(3, inputs)) / np.sqrt(3)
    own = rng.normal(size=(count, inputs))
    return np.sqrt(share) * common + np.sqrt(1 - share) * own + rng.normal(size=inputs)


def moments_of(*groups: np.ndarray) -> Moments:
    mean = np.stack([rows.mean(0) for rows in groups])
    covariance = np.stack(
        [np.cov(rows, rowvar=False, bias=True).reshape(2 * [rows.shape[1]]) for rows in groups]
    )
    return Moments(torch.from_numpy(mean), torch.from_numpy(covariance))


def weights(rng, outputs: int, inputs: int) -> torch.Tensor:
    sizes = 10 ** rng.uniform(-2, 1, (outputs, 1))
    return torch.from_numpy(sizes * rng.normal(size=(outputs, inputs))).float()


def energy(rows: np.ndarray, weight: torch.Tensor, rounded) -> np.ndarray:
    """Return the energy of each output's error on `rows`, with its mean moved to the bias."""
    error = rows @ (rounded.dequantize() - weight.double()).flatten(1).numpy().T
    return ((error - error.mean(0)) ** 2).sum(0)


def assert_integers(rounded, weight: torch.Tensor) -> None:
    assert (rounded.values.dtype, rounded.values.shape) == (torch.int8, weight.shape)
    assert int(rounded.values.min()) >= -127
    assert torch.isfinite(rounded.scales).all()
    assert (rounded.scales > 0).all()


def by_definition(weight: np.ndarray, scales: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Round one column after the other, and solve for the best change of those still free.

    An output that then errs more than by nearest rounding is rounded to the nearest.
    """
    inputs = len(covariance)
    order = np.argsort(-covariance.diagonal(), kind="stable")
    damped = covariance + 0.01 * covariance.diagonal().mean() * np.eye(inputs)
    weight, scales = weight.astype(np.float64), scales[:, None]
    left, rounded = weight.copy(), np.zeros_like(weight)
    for done, column in enumerate(order):
        rounded[:, column] = np.clip(np.rint(left[:, column] / scales[:, 0]), -127, 127)
        change = rounded[:, column] * scales[:, 0] - left[:, column]
        free = order[done + 1 :]
        if len(free):
            share = np.linalg.solve(damped[np.ix_(free, free)], damped[free, column])
            left[:, free] -= np.outer(change, share)
    nearest = np.clip(np.rint(weight / scales), -127, 127)
    errors = [found * scales - weight for found in (rounded, nearest)]
    energies = [np.einsum("oi,ij,oj->o", error, covariance, error) for error in errors]
    return np.where((energies[0] > energies[1])[:, None], nearest, rounded)


@pytest.mark.parametrize("share", [0.1, 0.8])
@pytest.mark.parametrize("inputs", [1, 9, 64, 65, 100])  # BLOCK is 64
def test_is_what_the_method_says(inputs, share):
    rng = np.random.default_rng(inputs)
    rows = correlated(rng, 400, inputs, share) * 10 ** rng.uniform(-1, 1, inputs)
    weight, moments = weights(rng, 16, inputs), moments_of(rows)
    rounded = round_weight(weight, moments)
    scales = rounded.scales.double().numpy()
    assert np.allclose(scales, np.abs(weight.numpy()).max(1) / 127, rtol=1e-6)
    expected = by_definition(weight.numpy(), scales, moments.covariance[0].numpy())
    assert np.array_equal(rounded.values.numpy(), expected)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.9, 0.99, 1.0])
@pytest.mark.parametrize("inputs", [2, 8, 48])
def test_no_output_errs_more_than_by_nearest_rounding(share, inputs):
    for seed in range(5):
        rng = np.random.default_rng([seed, inputs])
        rows, weight = correlated(rng, 300, inputs, share), weights(rng, 64, inputs)
        rounded, nearest = round_weight(weight, moments_of(rows)), quantize_weight(weight)
        assert_integers(rounded, weight)
        assert torch.equal(rounded.scales, nearest.scales)
        most = energy(rows, weight, nearest) * (1 + 1e-9)
        assert (energy(rows, weight, rounded) <= most).all()


@pytest.mark.parametrize("share, most", [(0.7, 0.7), (0.95, 0.2)])
def test_errs_far_less_where_inputs_resemble_each_other(share, most):
    rng = np.random.default_rng(0)
    rows, weight = correlated(rng, 500, 64, share), weights(rng, 32, 64)
    rounded = energy(rows, weight, round_weight(weight, moments_of(rows)))
    nearest = energy(rows, weight, quantize_weight(weight))
    assert np.median(rounded / nearest) < most
    assert (rounded < nearest).mean() > 0.9


def test_independent_inputs_are_rounded_to_the_nearest():
    rng = np.random.default_rng(0)
    weight = weights(rng, 6, 20)
    variances = torch.from_numpy(rng.uniform(0.1, 10, 20))
    rounded = round_weight(weight, Moments(torch.zeros(1, 20), torch.diag(variances)[None]))
    assert torch.equal(rounded.values, quantize_weight(weight).values)


def test_the_largest_weights_stay_within_range():
    """Compensation would push weights that are at 127 already further out."""
    rng = np.random.default_rng(0)
    rows = correlated(rng, 300, 32, 0.99)
    weight = torch.sign(weights(rng, 64, 32)) * (1 - 0.004 * torch.rand(64, 32))
    rounded = round_weight(weight, moments_of(rows))
    assert_integers(rounded, weight)
    assert int(rounded.values.abs().max()) == 127
    assert torch.equal(rounded.values.sign(), weight.sign().to(torch.int8))
    nearest = energy(rows, weight, quantize_weight(weight)).sum()
    assert energy(rows, weight, rounded).sum() < nearest


def degenerate() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    rows = correlated(rng, 200, 12, 0.7)
    dead, tiny = rows.copy(), rows * 1e-20
    dead[:, [0, 5, 6]] = 0
    return {
        "dead inputs": dead,
        "one input": rows[:, :1],
        "constant inputs": np.full((50, 12), 3.0),
        "zeros": np.zeros((50, 12)),
        "fewer rows than inputs": rows[:4],
        "one row": rows[:1],
        "equal inputs": np.repeat(rows[:, :1], 12, 1),
        "tiny inputs": tiny,
        "huge inputs": rows * 1e15,
        "inputs of very different size": rows * np.logspace(-12, 12, 12),
    }


@pytest.mark.parametrize("name", degenerate())
def test_degenerate_inputs(name):
    rows = degenerate()[name]
    weight = weights(np.random.default_rng(1), 8, rows.shape[1])
    weight[3] = 0
    rounded, nearest = round_weight(weight, moments_of(rows)), quantize_weight(weight)
    assert_integers(rounded, weight)
    assert (rounded.values[3] == 0).all()
    assert np.isfinite(mean_error(weight, rounded, moments_of(rows)).numpy()).all()
    noise = 1e-20 * (rows**2).sum()
    assert energy(rows, weight, rounded).sum() <= energy(rows, weight, nearest).sum() + noise
    if "constant" in name or "zeros" in name or name in ("one row", "one input"):
        assert torch.equal(rounded.values, nearest.values), "nothing to make up for"


@pytest.mark.parametrize("kernel", [(1, 1), (3, 2)])
def test_groups_are_rounded_each_for_itself(kernel):
    rng = np.random.default_rng(0)
    inputs = 4 * kernel[0] * kernel[1]
    groups = [correlated(rng, 200, inputs, share) for share in (0.9, 0.2, 0.6)]
    weight = weights(rng, 6, inputs).reshape(6, 4, *kernel)
    together = round_weight(weight, moments_of(*groups))
    error = mean_error(weight, together, moments_of(*groups))
    for index, rows in enumerate(groups):
        part = slice(2 * index, 2 * index + 2)
        alone = round_weight(weight[part], moments_of(rows))
        assert torch.equal(together.values[part], alone.values)
        assert torch.equal(together.scales[part], alone.scales)
        assert torch.equal(error[part], mean_error(weight[part], alone, moments_of(rows)))


def test_mean_error_is_what_outputs_err_on_average():
    rng = np.random.default_rng(0)
    rows, weight = correlated(rng, 300, 20, 0.8) + 5, weights(rng, 10, 20)
    moments, bias = moments_of(rows), rng.normal(size=10)
    for rounded in (quantize_weight(weight), round_weight(weight, moments)):
        exact = rows @ weight.double().numpy().T + bias
        got = rows @ rounded.dequantize().numpy().T + bias
        error = mean_error(weight, rounded, moments)
        assert error.dtype == torch.float64
        assert np.allclose(error.numpy(), (got - exact).mean(0), rtol=1e-9, atol=1e-12)
        assert np.abs((got - exact).mean(0)).max() > 1e-3
        assert np.abs((got - error.numpy() - exact).mean(0)).max() < 1e-10


def test_is_deterministic():
    rng = np.random.default_rng(0)
    rows, weight = correlated(rng, 200, 80, 0.9), weights(rng, 16, 80)
    first, second = (round_weight(weight.clone(), moments_of(rows)) for _ in range(2))
    assert torch.equal(first.values, second.values)
    assert torch.equal(first.scales, second.scales)


def test_leaves_weights_and_moments_alone():
    rng = np.random.default_rng(0)
    weight, moments = weights(rng, 4, 10), moments_of(correlated(rng, 50, 10, 0.9))
    before = weight.clone(), moments.covariance.clone()
    round_weight(weight, moments)
    assert torch.equal(weight, before[0])
    assert torch.equal(moments.covariance, before[1])


def test_a_known_order_changes_no_weight():
    """Layers that read the same inputs use one order, and round as each would alone."""
    moments = moments_of(torch.randn(200, 24) @ torch.randn(24, 24))
    orders = rounding_orders(moments)
    for weight in (torch.randn(7, 24), torch.randn(3, 24)):
        alone, together = round_weight(weight, moments), round_weight(weight, moments, orders)
        assert torch.equal(alone.values, together.values)
        assert torch.equal(alone.scales, together.scales)
