import pytest
import torch
from torch import nn

from hvit_edge.lowering import export_graph
from hvit_edge.lowering.replace_silu import silu_by_exp, silu_by_tanh

X = torch.randn(1, 6, 5, 7)
TOKENS = torch.randn(2, 5, 6)
LAYERS = {
    "convolution": (lambda: nn.Conv2d(6, 8, 3, 2, 1), X),
    "without bias": (lambda: nn.Conv2d(6, 8, 1, bias=False), X),
    "depthwise": (lambda: nn.Conv2d(6, 6, 3, padding=1, groups=6), X),
    "linear": (lambda: nn.Linear(6, 8), TOKENS),
}
FORMS = {
    silu_by_exp: {"exp": 1, "sub": 1, "div": 1},
    silu_by_tanh: {"tanh": 1, "mul": 1, "add": 1},
}
NEAR_MISSES = {
    "nothing in front": nn.SiLU(),
    "another reader": lambda: Twice(),
    "a view between": lambda: nn.Sequential(nn.Conv2d(6, 8, 1), nn.Flatten(), nn.SiLU()),
}


class Twice(nn.Module):
    """A layer with another reader than SiLU."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(6, 6, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.layer(x)
        return nn.functional.silu(y) + y


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", LAYERS)
def test_written_out(name, form, rewritten):
    build, x = LAYERS[name]
    after = rewritten(form, nn.Sequential(build(), nn.SiLU()), x)
    assert after["silu"] == 0
    assert {operator: after[operator] for operator in FORMS[form]} == FORMS[form]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", NEAR_MISSES)
def test_near_miss_stays(name, form, untouched):
    module = NEAR_MISSES[name]
    untouched(form, module if isinstance(module, nn.Module) else module(), X)


@pytest.mark.parametrize("form", FORMS)
def test_far_from_zero_it_is_zero_or_x(form):
    """Some inputs are so large that exp overflows in float32."""
    layer = nn.Linear(1, 1)
    with torch.no_grad():
        layer.weight.fill_(1)
        layer.bias.fill_(0)
    x = torch.tensor([[-1e4], [-200.0], [-90.0], [90.0], [1e4]])
    graph = export_graph(nn.Sequential(layer, nn.SiLU()).eval(), (x,))
    assert form(graph)
    graph.recompile()
    with torch.inference_mode():
        assert torch.allclose(graph(x), x.clamp(min=0), rtol=0, atol=1e-30)
