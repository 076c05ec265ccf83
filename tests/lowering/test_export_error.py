"""Errors of modules that cannot be traced: the cause, the user's line, and the remedy."""

import linecache
import re
from pathlib import Path

import pytest
import torch
from torch import nn

from hvit_edge.errors import LoweringError
from hvit_edge.lowering import export_graph

HERE = Path(__file__)


def branch(x):
    return x * 2 if x.sum() > 0 else x


def report(x):
    print(float(x.sum()))
    return x


def through_numpy(x):
    return torch.from_numpy(x.numpy() + 1)


def unknown(x):
    return torch.tensor(object())


CAUSES = {
    "branch": (branch, "if x.sum() > 0", "values of tensors", "torch.where"),
    "print": (report, "print(float", "values of tensors", "asserts and prints"),
    "numpy": (through_numpy, "x.numpy()", "NumPy in forward", "compute with torch instead"),
    "other": (unknown, "torch.tensor(object())", "RuntimeError: ", "other torch operators"),
}


@pytest.mark.parametrize("name", CAUSES)
def test_the_message_names_cause_line_and_remedy(name):
    function, line, cause, remedy = CAUSES[name]

    class Inner(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return function(x)

    with pytest.raises(LoweringError, match=r"\[export_graph\].* torch.export can trace") as caught:
        export_graph(nn.Sequential(Inner()).eval(), (torch.ones(2),))
    message = str(caught.value)
    assert cause in message and remedy in message and "(in 0 (Inner), " in message
    (number,) = re.findall(rf"{re.escape(str(HERE))}:(\d+)", message)
    assert line in linecache.getline(str(HERE), int(number))


def test_modules_that_are_nested_too_deeply():
    module = nn.Linear(2, 2)
    for _ in range(250):
        module = nn.Sequential(module)
    with pytest.raises(LoweringError, match=r"nested more deeply .*sys\.setrecursionlimit"):
        export_graph(module.eval(), (torch.ones(2),))
