import pytest
import torch
from torch import nn
from torch.nn import functional as F

from hvit_edge.lowering.centre_residuals import centre_residuals
from hvit_edge.lowering.decompose_layer_norm import decompose_layer_norm

TOKENS = torch.randn(2, 5, 6) + 1
MAP = torch.randn(1, 4, 6, 3)


class Residual(nn.Module):
    """Writes a stream of tokens [N, 5, 6] and reads it."""

    def __init__(self, then, *, affine: bool = False) -> None:
        super().__init__()
        self.embed, self.inner, self.outer = nn.Linear(6, 6), nn.Linear(6, 8), nn.Linear(8, 6)
        self.first = nn.LayerNorm(6, elementwise_affine=affine)
        self.last = nn.LayerNorm(6, elementwise_affine=affine, eps=1e-3)
        self.then = then
        for parameter in self.parameters():
            nn.init.normal_(parameter)

    def forward(self, x: torch.Tensor) -> object:
        return self.then(self, self.embed(x))

    def branch(self, x: torch.Tensor) -> torch.Tensor:
        return self.outer(F.gelu(self.inner(self.first(x))))


class Bridge(nn.Module):
    """A map whose pixels become tokens by patches, as in MobileViT."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.inner = nn.Conv2d(4, 8, 1, bias=False), nn.Linear(8, 8)
        self.norms = nn.ModuleList(nn.LayerNorm(8, elementwise_affine=False) for _ in range(2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.embed(x).permute(0, 2, 3, 1).reshape(1, 3, 2, 24)
        x = x.permute(0, 2, 1, 3).reshape(2, 9, 8)
        x = x + self.inner(self.norms[0](x))
        return self.norms[1](x)


STREAMS = {
    "one branch": lambda m, x: m.last(x + m.branch(x)),
    "two branches": lambda m, x: m.last((y := x + m.branch(x)) + m.branch(y)),
    "no addition": lambda m, x: m.last(x),
    "after a permutation": lambda m, x: m.last((x + m.branch(x)).permute(1, 0, 2)),
}
NEAR_MISSES = {
    "read elsewhere": lambda m, x: (m.last(x), x * 2),
    "written by an activation": lambda m, x: m.last(x + F.gelu(m.branch(x))),
    "written by the norm": lambda m, x: m.last(x + m.first(x)),
    "a number added": lambda m, x: m.last(x + 1),
    "another order of channels": lambda m, x: m.last(
        x + m.branch(x).reshape(2, 5, 2, 3).permute(0, 1, 3, 2).reshape(2, 5, 6)
    ),
    "norm over tokens": lambda m, x: F.layer_norm(x, (5, 6)),
    "channels mixed with tokens": lambda m, x: m.last(x.reshape(2, 6, 5).permute(0, 2, 1)),
}


@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize("name", STREAMS)
def test_no_average_is_subtracted(name, affine, rewritten):
    after = rewritten(centre_residuals, Residual(STREAMS[name], affine=affine), TOKENS)
    assert after["layer_norm"] == 0
    assert after["rms_norm"] >= 1


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_near_miss_stays(name, untouched):
    untouched(centre_residuals, Residual(NEAR_MISSES[name]), TOKENS)


def test_pixels_that_become_tokens(rewritten):
    after = rewritten(centre_residuals, Bridge(), MAP)
    assert (after["layer_norm"], after["rms_norm"]) == (0, 2)


def test_written_out_without_the_subtraction(rewritten):
    def both(graph) -> bool:
        return centre_residuals(graph) | decompose_layer_norm(graph)

    after = rewritten(both, Residual(STREAMS["one branch"], affine=True), TOKENS)
    assert (after["rms_norm"], after["sub"], after["rsqrt"]) == (0, 0, 2)
