import pytest
import torch
from torch import nn

from hvit_edge.lowering.decompose_group_norm import decompose_group_norm

MAP, TOKENS = torch.randn(2, 6, 4, 5), torch.randn(2, 6, 8)


def random(norm: nn.Module) -> nn.Module:
    for parameter in norm.parameters():
        nn.init.normal_(parameter)
    return norm


NORMS = {
    "groups": (lambda: nn.GroupNorm(3, 6), MAP),
    "one group": (lambda: nn.GroupNorm(1, 6, eps=1e-3), MAP),
    "no affine": (lambda: nn.GroupNorm(2, 6, affine=False), MAP),
    "groups of tokens": (lambda: nn.GroupNorm(2, 6), TOKENS),
    "channels alone": (lambda: nn.GroupNorm(2, 6), torch.randn(3, 6)),
    "instance": (lambda: nn.InstanceNorm2d(6, affine=True, eps=1e-4), MAP),
    "instance of tokens": (lambda: nn.InstanceNorm1d(6), TOKENS),
    "whole map": (lambda: nn.LayerNorm((6, 4, 5)), MAP),
    "plane": (lambda: nn.LayerNorm((4, 5), eps=1e-3, bias=False), MAP),
    "everything": (lambda: nn.LayerNorm((2, 6, 8)), TOKENS),
}


@pytest.mark.parametrize("name", NORMS)
def test_norms_are_written_out(name, rewritten):
    norm, x = NORMS[name]
    after = rewritten(decompose_group_norm, random(norm()), x * 3 + 1)
    assert (after["mean"], after["rsqrt"], after["sub"]) == (2, 1, 1)
    assert after["linear"] == (0 if "instance" in name else 2)
    assert after["permute"] == 0
    assert not any("norm" in operator for operator in after)


@pytest.mark.parametrize(
    "norm", [nn.LayerNorm(8), nn.InstanceNorm1d(6, track_running_stats=True), nn.BatchNorm1d(6)]
)
def test_near_misses_stay(norm, untouched):
    untouched(decompose_group_norm, norm, TOKENS)
