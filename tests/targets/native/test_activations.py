"""Activations over a wide range, by themselves and inside of layers, against float64."""

import numpy as np
import pytest
import torch
from torch import nn

KINDS = {"relu": nn.ReLU, "silu": nn.SiLU, "gelu": nn.GELU}
ABSOLUTE = {"relu": 0.0, "silu": 2e-6, "gelu": 4e-6}  # where the value is at most 8
RELATIVE = {"relu": 0.0, "silu": 4e-7, "gelu": 1e-6}


def wide_range() -> torch.Tensor:
    """From -100 to 100, closely around zero, and the values at which formulas break."""
    special = [0.0, -0.0, 1e-30, -1e-30, 1e-8, -1e-8, 87.0, -87.0, 88.5, -88.5, 100.0, -100.0]
    parts = [torch.linspace(-100, 100, 1201), torch.linspace(-8, 8, 1001), torch.tensor(special)]
    return torch.cat(parts).reshape(1, 1, -1)


@pytest.mark.parametrize("name", KINDS)
def test_alone(name, run_native):
    x = wide_range()
    ran = run_native(KINDS[name](), x)
    assert ran.kinds == {"Add": 1}
    error = np.abs(ran.output - ran.expected)
    bound = ABSOLUTE[name] + RELATIVE[name] * np.abs(ran.expected)
    worst = (error - bound).argmax()
    assert (error <= bound).all(), f"{error.flat[worst]:.2e} at {x.flatten()[worst]:.4g}"


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("layer", ["linear", "convolution", "depthwise", "norm"])
def test_inside_of_a_layer(name, layer, run_native):
    layers = {
        "linear": (nn.Linear(9, 21), (1, 7, 9)),
        "convolution": (nn.Conv2d(9, 21, 3), (1, 9, 6, 7)),
        "depthwise": (nn.Conv2d(21, 21, 3, groups=21), (1, 21, 6, 7)),
        "norm": (nn.LayerNorm(21), (1, 7, 21)),
    }
    module, shape = layers[layer]
    ran = run_native(nn.Sequential(module, KINDS[name]()), torch.randn(shape))
    assert ran.error < 2e-6
    assert "Add" not in ran.kinds


def test_an_activation_of_an_activation_is_an_operation_of_its_own(run_native):
    module = nn.Sequential(nn.Linear(9, 21), nn.GELU(), nn.ReLU())
    ran = run_native(module, torch.randn(1, 7, 9))
    assert ran.error < 2e-6
    assert ran.kinds == {"Linear": 1, "Add": 1}
