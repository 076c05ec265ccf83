import pytest
import torch
from torch import nn

from hvit_edge.lowering import export_graph
from hvit_edge.lowering.canonicalize_views import canonicalize_views
from hvit_edge.lowering.fold_scale import fold_scale
from hvit_edge.lowering.graph import cleanup
from hvit_edge.lowering.replace_scalars import replace_scalars

X = torch.randn(1, 6, 8)


def canonical_then_fold(graph) -> bool:
    """The rewrite expects slices for unbind and constants for numbers."""
    canonicalize_views(graph)
    replace_scalars(graph)
    cleanup(graph)
    return fold_scale(graph)


class Projected(nn.Module):
    """Applies a function to the output of a linear."""

    def __init__(self, then, bias: bool = True) -> None:
        super().__init__()
        self.linear, self.then = nn.Linear(8, 12, bias=bias), then

    def forward(self, x: torch.Tensor) -> object:
        return self.then(self.linear(x))


def heads(y: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Fused q, k, v of two heads, as the families write it."""
    return y.reshape(1, 6, 3, 2, 2).permute(2, 0, 3, 1, 4).unbind(0)


FOLDS = {
    "whole output": lambda y: y * 0.3,
    "after views": lambda y: y.reshape(6, 3, 4).permute(1, 0, 2) * 0.3,
    "q of a fused projection": lambda y: (heads(y)[0] * 0.3, heads(y)[1] + 1, heads(y)[2] + 1),
    "two scales": lambda y: (heads(y)[0] * 0.3, heads(y)[1] * 5, heads(y)[2] + 1),
}
NEAR_MISSES = {
    "used beside the product": lambda y: (y * 0.3, y + 1),
    "overlapping slices": lambda y: (y[..., 0:7] * 0.3, y[..., 6:12] + 1),
    "activation between": lambda y: y.relu() * 0.3,
    "scale for each channel": lambda y: y * torch.arange(12.0),
}


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("name", FOLDS)
def test_folded(name, bias, rewritten):
    after = rewritten(canonical_then_fold, Projected(FOLDS[name], bias), X)
    assert after["mul"] == 0


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_near_miss_stays(name):
    graph = export_graph(Projected(NEAR_MISSES[name]).eval(), (X,))
    canonicalize_views(graph)
    replace_scalars(graph)
    cleanup(graph)
    before = graph.code
    assert not fold_scale(graph)
    graph.recompile()
    assert graph.code == before


def test_only_the_rows_of_q_are_scaled():
    module = Projected(FOLDS["q of a fused projection"]).eval()
    graph = export_graph(module, (X,))
    canonical_then_fold(graph)
    (name,) = [n for n, _ in graph.named_buffers() if n.endswith("weight")]
    scaled = graph.get_buffer(name) / module.linear.weight.detach()
    torch.testing.assert_close(scaled, torch.tensor([0.3] * 4 + [1.0] * 8)[:, None].expand(12, 8))
