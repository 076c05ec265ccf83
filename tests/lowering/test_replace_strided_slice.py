import pytest
import torch

from hvit_edge.lowering.replace_strided_slice import replace_strided_slice

X = torch.randn(2, 7, 6)
STRIDED = {
    "whole": lambda x: x[..., ::2],
    "with a rest": lambda x: x[:, ::2],
    "from one": lambda x: x[:, 1::3],
    "up to": lambda x: x[:, 1:6:2],
    "one element": lambda x: x[:, 3:5:4],
    "last element": lambda x: x[:, 6::5],
    "two dimensions": lambda x: x[:, ::3, 1::2],
    "step one too far": lambda x: x[..., ::99],
}


@pytest.mark.parametrize("name", STRIDED)
def test_steps_go(name, rewritten, call):
    module = call(lambda x: STRIDED[name](x) + 1)
    after = rewritten(replace_strided_slice, module, X, bit_equal=True)
    assert set(after) <= {"slice", "reshape", "cat", "add"}


@pytest.mark.parametrize("function", [lambda x: x[:, 1:3] + 1, lambda x: x[:, 3:3:2] + 1])
def test_near_misses_stay(function, untouched, call):
    untouched(replace_strided_slice, call(function), X)
