"""Sums, means, extremes, norms and softmax over any dimensions, against float64."""

import itertools

import pytest
import torch
from torch import nn
from torch.nn import functional

from hvit_edge.targets.native.values import Number

FLOAT = 3e-6
HALF = 4e-3

REDUCTIONS = {
    "mean": lambda x, dims, keep: x.mean(dims, keep),
    "sum": lambda x, dims, keep: x.sum(dims, keep),
    "amax": lambda x, dims, keep: x.amax(dims, keep),
    "amin": lambda x, dims, keep: (x + 3).amin(dims, keep),
    "l2": lambda x, dims, keep: torch.linalg.vector_norm(x, 2, dims, keep),
    "l1": lambda x, dims, keep: torch.linalg.vector_norm(x, 1, dims, keep),
    "largest": lambda x, dims, keep: torch.linalg.vector_norm(x, float("inf"), dims, keep),
    "variance": lambda x, dims, keep: x.var(dims, keepdim=keep),
    "deviation": lambda x, dims, keep: x.std(dims, correction=0, keepdim=keep),
}
EVERY = [dims for n in range(1, 5) for dims in itertools.combinations(range(4), n)]


@pytest.mark.slow
@pytest.mark.parametrize("number", Number)
def test_over_any_dimensions(number, run_each):
    """Reduce a layer's output and an input tensor in turn."""

    def of(name, dims):
        return lambda x: REDUCTIONS[name](x, dims, len(dims) % 2 == 0)

    def after_a_layer(name, dims):
        conv = nn.Conv2d(9, 20, 1)
        return Reduced(conv, of(name, dims))

    cases = {}
    for turn, (name, dims) in enumerate(itertools.product(REDUCTIONS, EVERY)):
        after = (turn + turn // len(EVERY)) % 2
        case = (
            (after_a_layer(name, dims), (2, 9, 5, 4)) if after else (of(name, dims), (2, 3, 5, 7))
        )
        cases[f"{name} over {dims} of {('a tensor', 'a map')[after]}"] = case
    for name, ran in run_each(cases, number).items():
        assert ran.error < (FLOAT if number is Number.FLOAT32 else HALF), name
        assert ran.kinds["Reduction"] or ran.kinds["Mean"], name


class Reduced(nn.Module):
    """A reduction of what a layer writes."""

    def __init__(self, layer, reduction):
        super().__init__()
        self.layer, self.reduction = layer, reduction

    def forward(self, x):
        return self.reduction(self.layer(x))


OTHERS = {
    "mean of all": (lambda x: x.mean().reshape(1), (1, 3, 9)),
    "sum of all": (lambda x: x.sum().reshape(1, 1), (1, 3, 9)),
    "largest with index": (lambda x: x.max(1)[0], (2, 9, 5)),
    "smallest with index": (lambda x: x.min(-1, keepdim=True).values, (2, 9, 5)),
    "normalize": (lambda x: functional.normalize(x, dim=-1), (2, 9, 33)),
    "normalize channels": (lambda x: functional.normalize(x, dim=1), (2, 9, 5, 4)),
    "softmax": (lambda x: torch.softmax(x, -1), (2, 9, 33)),
    "softmax of channels": (lambda x: torch.softmax(4 * x, 1), (2, 9, 5, 4)),
    "softmax of tokens": (lambda x: torch.softmax(x, dim=2), (2, 9, 33, 4)),
    "softmax of one": (lambda x: torch.softmax(x, 0) + x, (1, 9, 33)),
    "log softmax": (lambda x: torch.log_softmax(9 * x, 1), (2, 9, 33)),
    "softmax far from zero": (lambda x: torch.softmax(1e3 * x, -1), (2, 9, 33)),
}


def test_others(run_each):
    for name, ran in run_each(OTHERS).items():
        assert ran.error < (2e-3 if "far" in name else FLOAT), name  # where x rounds to 1e-4


NORMS = {
    "group norm": (nn.GroupNorm(4, 24), (1, 24, 5, 7)),
    "group norm of all": (nn.GroupNorm(1, 24), (2, 24, 5, 7)),
    "group norm of tokens": (nn.GroupNorm(2, 8), (2, 8, 9)),
    "plain group norm": (nn.GroupNorm(3, 9, affine=False), (1, 9, 5, 7)),
    "instance norm": (nn.InstanceNorm2d(9, affine=True), (2, 9, 5, 7)),
    "plain instance norm": (nn.InstanceNorm1d(9), (2, 9, 35)),
    "layer norm of several": (nn.LayerNorm((9, 5)), (2, 3, 9, 5)),
    "rms norm": (nn.RMSNorm(33), (2, 5, 33)),
    "rms norm with eps": (nn.RMSNorm((5, 33), eps=1e-2), (2, 5, 33)),
    "batch norm": (nn.BatchNorm2d(9), (2, 9, 5, 7)),
    "batch norm of tokens": (nn.BatchNorm1d(9), (4, 9)),
}


@pytest.mark.parametrize("number", Number)
def test_norms(number, run_each):
    for norm, _ in NORMS.values():
        for key, value in [*norm.named_parameters(), *norm.named_buffers()]:
            if value.is_floating_point():
                nn.init.uniform_(value, 0.5, 2) if "var" in key else nn.init.normal_(value)
    cases = {name: (norm, 3 * torch.randn(shape) + 1) for name, (norm, shape) in NORMS.items()}
    for name, ran in run_each(cases, number).items():
        assert ran.error < (FLOAT if number is Number.FLOAT32 else HALF), name


def test_a_batch_norm_of_a_layer_is_part_of_it(run_native, call):
    """Where a view between the two hides it from the rewrite of the graph."""
    norm = nn.BatchNorm1d(12)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.running_mean)

    def forward(x, linear, norm):
        return norm(linear(x).flatten(0, 1)).reshape(2, 7, 12)

    ran = run_native(call(forward, linear=nn.Linear(9, 12), norm=norm), torch.randn(2, 7, 9))
    assert ran.error < FLOAT and set(ran.kinds) <= {"Linear", "Copy"}
