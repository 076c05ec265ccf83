import pytest
import torch
import torch.nn.functional as F

from hvit_edge.lowering.decompose_composites import decompose_composites

X = torch.randn(1, 8, 4, 4)
COMPOSED = {
    "einsum": (lambda x: torch.einsum("bchw,bdhw->bcd", x, x), {"bmm": 1}),
    "stack": (lambda x: torch.stack([x, x], 1), {"cat": 1, "view": 1}),
    "hstack": (lambda x: torch.hstack([x, x]), {"cat": 1}),
    "pixel shuffle": (lambda x: F.pixel_shuffle(x, 2), {"permute": 1}),
    "pixel unshuffle": (lambda x: F.pixel_unshuffle(x, 2), {"permute": 1}),
    "another name": (lambda x: torch.multiply(x, x), {"mul": 1}),
    "type_as": (lambda x: x + x.type_as(x), {"add": 1}),
    "addmm": (lambda x: torch.addmm(x[0, 0], x[0, 1], x[0, 2]), {"mm": 1, "add": 1}),
    "several results": (lambda x: sum(torch.std_mean(x, 1)), {"std_mean": 1}),
    "in place inside": (lambda x: F.cosine_similarity(x, x.exp()), {"clamp_min": 2}),
}


@pytest.mark.parametrize("name", COMPOSED)
def test_composed_operators_are_written_out(name, rewritten, call):
    function, expected = COMPOSED[name]
    after = rewritten(decompose_composites, call(function), X)
    assert {operator: after[operator] for operator in expected} == expected
    assert not any(operator.endswith("_") for operator in after)


NEAR_MISSES = {
    "known to later rewrites": lambda x: F.layer_norm(x.flatten(2) @ x.flatten(2).mT, (8,)),
    "integers": lambda x: torch.stack([x.argmax(1), x.argmin(1)]),
    "kernels of their own": lambda x: F.gelu(x).sum(1),
}


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_near_misses_stay(name, untouched, call):
    untouched(decompose_composites, call(NEAR_MISSES[name]), X)
