import pytest
import torch
from torch import nn

from hvit_edge.lowering.decompose_layer_norm import decompose_layer_norm


def trained(norm: nn.LayerNorm) -> nn.LayerNorm:
    for tensor in norm.parameters():
        nn.init.uniform_(tensor, 0.5, 2.0)
    return norm


@pytest.mark.parametrize("shape", [(2, 8), (1, 5, 8), (1, 2, 3, 8)])
def test_written_out(shape, rewritten):
    # With a mean far from zero and a small variance, a naive formula loses all digits.
    x = 100 + 0.1 * torch.randn(*shape)
    after = rewritten(decompose_layer_norm, trained(nn.LayerNorm(8, eps=1e-6)), x)
    assert after == {"linear": 2, "sub": 1, "mul": 3, "rsqrt": 1, "add": 1}


def test_without_bias(rewritten):
    after = rewritten(decompose_layer_norm, trained(nn.LayerNorm(8, bias=False)), torch.randn(3, 8))
    assert "add" not in after


def test_without_affine_parameters(rewritten):
    norm = nn.LayerNorm(8, elementwise_affine=False)
    assert rewritten(decompose_layer_norm, norm, torch.randn(3, 8))["mul"] == 2


def test_norm_over_two_dimensions_stays(untouched):
    untouched(decompose_layer_norm, nn.LayerNorm((4, 8)), torch.randn(2, 4, 8))
