"""Comparisons, truth values and choices by them, against eager PyTorch."""

import pytest
import torch

from hvit_edge.targets.native.values import Number

MASK = torch.arange(24).reshape(2, 3, 4) % 3 == 0
SHAPE = (2, 3, 4)

COMPARED = {
    "greater than a number": lambda x: torch.where(x > 0.5, x, -x),
    "at least a number": lambda x: torch.where(x >= 0.5, x, 2 * x),
    "less than a number": lambda x: torch.where(x < 0.5, x, x * x),
    "at most a number": lambda x: torch.where(x <= 0.5, x, x + 3),
    "equal to a number": lambda x: torch.where(x == 0.5, 9.0, x),
    "not equal to a number": lambda x: torch.where(x != 0.5, x, 9.0),
    "greater than a tensor": lambda x: torch.where(x > x.mean(-1, keepdim=True), x, 0.0),
    "less than a tensor": lambda x: torch.where(x < x.flip(0), x, x.flip(0)),
    "equal to a tensor": lambda x: (x == x.amax(1, keepdim=True)).float() + x,
    "not a number": lambda x: torch.where((x - x) != (x - x), x, 5.0),
    "two conditions": lambda x: torch.where((x > -1) & (x < 1), x, x * 0.1),
    "one of two": lambda x: torch.where((x > 1) | (x < -1), x, x * 0.1),
    "either": lambda x: torch.where((x > -1) ^ (x < 1), x, x * 0.1),
    "not": lambda x: torch.where(~(x > 0), x, x * 0.1),
    "logical of numbers": lambda x: torch.where(x.relu().logical_and(x + 1), x, 7.0),
    "logical not of numbers": lambda x: torch.where(x.relu().logical_not(), x, 7.0),
    "with a constant mask": lambda x: torch.where(MASK & (x > 0), x, 0.0),
    "a fill": lambda x: x.masked_fill(x > x.mean(), -4.0).softmax(-1),
    "a fill with a computed number": lambda x: x.masked_fill(MASK, x.amax()),
    "any": lambda x: torch.where((x > 1).any(-1, keepdim=True), x, 0.0),
    "all": lambda x: torch.where((x > -1).all(0), x, 0.0),
    "any of all": lambda x: torch.where((x > 1).any(), x, -x),
    "a gate": lambda x: x * (x > 0),
    "truth as numbers": lambda x: x + 2 * (x > 0).to(torch.float32),
    "numbers as truth": lambda x: torch.where(x.relu().bool(), x, -1.0),
    "joined masks": lambda x: torch.where(torch.cat([x[:1] > 0, x[1:] > 1]), x, 0.0),
    "permuted masks": lambda x: torch.where((x > 0).permute(1, 0, 2).reshape(2, 3, 4), x, 0.0),
}


@pytest.mark.slow
def test_choices(run_each):
    found = run_each({name: (function, SHAPE) for name, function in COMPARED.items()})
    for name, ran in found.items():
        assert ran.error < 1e-6, name


def test_choices_in_float16(run_each):
    cases = {name: (COMPARED[name], SHAPE) for name in ("a gate", "two conditions", "a fill")}
    for name, ran in run_each(cases, Number.FLOAT16).items():
        assert ran.error < 2e-3, name


def test_a_choice_takes_nothing_of_what_it_does_not_choose(run_native, call):
    """Infinities on the other side stay there, which arithmetic of both sides would not do."""
    x = torch.tensor([[-2.0, -1.0, 0.0], [-0.0, 0.5, 2.0]])
    ran = run_native(call(lambda x: torch.where(x == 0, 7.0, 1 / x)), x)
    assert ran.kinds["Select"] == 1
    assert (ran.output == ran.expected).all()


SUMMED = {
    "cumulative over the last": (lambda x: x.cumsum(-1), (3, 4, 40)),
    "cumulative over channels": (lambda x: x.cumsum(1), (1, 5, 6, 7)),
    "cumulative over the first": (lambda x: x.cumsum(0), (9, 4)),
    "cumulative of one": (lambda x: x.cumsum(-1) * 2, (3, 1)),
    "cumulative and softmax": (lambda x: x.softmax(-1).cumsum(-1), (3, 17)),
}


def test_cumulative_sums(run_each):
    for name, ran in run_each(SUMMED).items():
        assert ran.error < 1e-6, name
