import pytest
import torch
import torch.nn.functional as F

from hvit_edge.lowering.decompose_functions import decompose_functions

X = torch.randn(2, 3, 4) * 3
FUNCTIONS = {
    "hardsigmoid": (F.hardsigmoid, {"add": 1, "hardtanh": 1, "div": 1}),
    "square": (lambda x: x**2, {"mul": 1}),
    "square root": (lambda x: x.abs() ** 0.5, {"abs": 1, "sqrt": 1}),
    "reciprocal root": (lambda x: (x.abs() + 1) ** -0.5, {"abs": 1, "add": 1, "rsqrt": 1}),
    "itself": (lambda x: (x**1).abs(), {"abs": 1}),
    "sum": (lambda x: x.sum(), {"mean": 1, "mul": 1}),
    "sum of dims": (lambda x: x.sum((0, -1), keepdim=True), {"mean": 1, "mul": 1}),
    "norm": (lambda x: x.norm(dim=-1), {"mul": 2, "mean": 1, "sqrt": 1}),
    "norm of all": (lambda x: torch.linalg.vector_norm(x), {"mul": 2, "mean": 1, "sqrt": 1}),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_written_out(name, rewritten, call):
    function, operators = FUNCTIONS[name]
    assert rewritten(decompose_functions, call(function), X) == operators


NEAR_MISSES = {
    "another power": lambda x: x**3,
    "power of a tensor": lambda x: x.abs() ** x,
    "another norm": lambda x: x.norm(p=1, dim=-1),
    "change of dtype": lambda x: x.sum(1, dtype=torch.float64),
    "whole numbers": lambda x: x.long().sum(1),
    "number": lambda x: x[0, 0, 0].sum(),
}


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_near_misses_stay(name, untouched, call):
    untouched(decompose_functions, call(NEAR_MISSES[name]), X)
