import pytest
import torch
import torch.nn.functional as F
from torch import nn

from hvit_edge.lowering.decompose_activations import decompose_activations

X = 5 * torch.randn(1, 8, 6)
ACTIVATIONS = {
    "gelu by tanh": lambda x: F.gelu(x, approximate="tanh"),
    "elu": F.elu,
    "elu with a factor": lambda x: F.elu(x, 0.7),
    "selu": F.selu,
    "celu": lambda x: F.celu(x, 1.4),
    "glu": lambda x: F.glu(x, 1),
    "softplus": F.softplus,
    "softplus, steep": lambda x: F.softplus(x / 5, beta=2),
    "mish": F.mish,
    "log sigmoid": F.logsigmoid,
}
TAKEN = "abs add cat div exp log mul neg relu sigmoid slice sub tanh"  # by their short names


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_are_written_out(name, rewritten, call):
    after = rewritten(decompose_activations, call(ACTIVATIONS[name]), X)
    assert set(after) <= set(TAKEN.split())


NEAR_MISSES = {
    "exact gelu": F.gelu,
    "a softplus with a step": lambda x: F.softplus(x, threshold=3),
}


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_near_misses_stay(name, untouched, call):
    untouched(decompose_activations, call(NEAR_MISSES[name]), X)


@pytest.mark.parametrize("slopes", [1, 8])
def test_prelu(slopes, rewritten):
    module = nn.PReLU(slopes)
    nn.init.uniform_(module.weight, -1.0, 1.0)
    assert "prelu" not in rewritten(decompose_activations, module, X)


def test_prelu_of_maps_stays(untouched):
    untouched(decompose_activations, nn.PReLU(8), X[None].transpose(1, 2))
