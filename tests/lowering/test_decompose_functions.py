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
    "cube": (lambda x: x**3, {"mul": 2}),
    "inverse": (lambda x: (x.abs() + 1) ** -1, {"abs": 1, "add": 1, "div": 1}),
    "reciprocal": (lambda x: (x.abs() + 1).reciprocal(), {"abs": 1, "add": 1, "div": 1}),
    "weighted": (lambda x: torch.sub(x, x.abs(), alpha=0.3), {"abs": 1, "mul": 1, "sub": 1}),
    "weighted number": (lambda x: torch.add(x, 2, alpha=0.3), {"add": 1}),
    "from a number": (lambda x: torch.rsub(x, 2, alpha=0.3), {"mul": 1, "rsub": 1}),
    "variance": (lambda x: x.var((0, 2), correction=1), {"mean": 2, "sub": 1, "mul": 2}),
    "deviation": (lambda x: x.std(1, correction=0), {"mean": 2, "sub": 1, "mul": 1, "sqrt": 1}),
    "both moments": (
        lambda x: sum(torch.var_mean(x, 1, correction=0, keepdim=True)),
        {"mean": 3, "sub": 1, "mul": 1, "add": 2},
    ),
    "log softmax": (
        lambda x: (x * 99).log_softmax(1),
        {"mul": 2, "amax": 1, "sub": 2, "exp": 1, "mean": 1, "log": 1},
    ),
    "log of a sum": (
        lambda x: (x * 99).logsumexp(1),
        {"mul": 2, "amax": 1, "sub": 1, "exp": 1, "mean": 1, "log": 1, "add": 1, "reshape": 1},
    ),
    "running sum": (lambda x: x.cumsum(1), {"permute": 2, "linear": 1}),
    "sum of magnitudes": (lambda x: x.norm(p=1, dim=-1), {"abs": 1, "mean": 1, "mul": 1}),
    "bounds": (lambda x: x.clamp(-x.abs(), x.exp()), {"abs": 1, "neg": 1, "exp": 1}),
    "triangle": (lambda x: x.tril(), {"mul": 1}),
    "norm of all": (lambda x: torch.linalg.vector_norm(x), {"mul": 2, "mean": 1, "sqrt": 1}),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_written_out(name, rewritten, call):
    function, operators = FUNCTIONS[name]
    after = rewritten(decompose_functions, call(function), X)
    assert {operator: after[operator] for operator in operators} == operators


NEAR_MISSES = {
    "another power": lambda x: x**5,
    "a variance of one": lambda x: x[:1].var(0, correction=1),
    "no weight": lambda x: torch.add(x, 2),
    "power of a tensor": lambda x: x.abs() ** x,
    "another norm": lambda x: x.norm(p=3, dim=-1),
    "change of dtype": lambda x: x.sum(1, dtype=torch.float64),
    "whole numbers": lambda x: x.long().sum(1),
    "number": lambda x: x[0, 0, 0].sum(),
}


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_near_misses_stay(name, untouched, call):
    untouched(decompose_functions, call(NEAR_MISSES[name]), X)
