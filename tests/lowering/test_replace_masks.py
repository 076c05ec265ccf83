import math

import pytest
import torch
from torch import nn

from hvit_edge.lowering.replace_masks import replace_masks

X = torch.randn(1, 4, 4)


class Masked(nn.Module):
    """A function of an input and a constant mask."""

    def __init__(self, function) -> None:
        super().__init__()
        self.function = function
        self.register_buffer("mask", torch.eye(4).bool())
        self.register_buffer("values", torch.randn(4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(self, x)


CHOICES = {
    "fill": (lambda s, x: x.masked_fill(s.mask, 0.3), {"mul": 1, "add": 1}),
    "fill with minus infinity": (lambda s, x: x.masked_fill(s.mask, -math.inf), {"add": 1}),
    "two maps": (lambda s, x: torch.where(s.mask, x, x.exp()), {"mul": 2, "add": 1, "exp": 1}),
    "a constant": (lambda s, x: torch.where(s.mask, s.values, x), {"mul": 1, "add": 1}),
    "broadcast": (lambda s, x: torch.where(s.mask, x[:, :1], s.values), {"mul": 1, "add": 1}),
}


@pytest.mark.parametrize("name", CHOICES)
def test_constant_masks_are_products_and_sums(name):
    from hvit_edge.lowering import export_graph, rewrite

    function, expected = CHOICES[name]
    module = Masked(function).eval().double()
    graph = export_graph(module, (X.double(),))
    (report,) = rewrite(graph, passes=[replace_masks])
    assert report.modified
    assert torch.equal(graph(X.double()), module(X.double()))
    calls = [str(n.target).split(".")[1] for n in graph.graph.nodes if n.op == "call_function"]
    assert {name: calls.count(name) for name in expected} == expected
    assert "where" not in calls
    assert "masked_fill" not in calls


NEAR_MISSES = {
    "computed mask": lambda s, x: torch.where(x > 0, x, -x),
    "integers": lambda s, x: torch.where(s.mask, x.argmax(1), 0),
}


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_near_misses_stay(name, untouched):
    untouched(replace_masks, Masked(NEAR_MISSES[name]), X)
