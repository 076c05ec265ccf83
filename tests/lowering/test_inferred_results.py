"""Results without data are the same, and are computed once for equal arguments."""

from __future__ import annotations

import pytest
import torch

from hvit_edge.lowering import inferred_results
from hvit_edge.lowering.inferred_results import infer

aten = torch.ops.aten


class Counted:
    def __init__(self, operator) -> None:
        self.operator, self.calls = operator, 0

    def __call__(self, *args, **kwargs):
        self.calls += 1
        return self.operator(*args, **kwargs)


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch):
    monkeypatch.setattr(inferred_results, "_known", {})


def meta(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.empty(shape, dtype=dtype, device="meta")


def form(tensor: torch.Tensor):
    return tensor.shape, tensor.stride(), tensor.dtype, tensor.device


@pytest.mark.parametrize(
    ("operator", "args", "kwargs"),
    [
        (aten.permute.default, (meta(2, 3, 4), [2, 0, 1]), {}),
        (aten.conv2d.default, (meta(1, 3, 8, 8), meta(4, 3, 3, 3), None, [2, 2], [1, 1]), {}),
        (aten.add.Tensor, (meta(2, 1), meta(3)), {"alpha": 2}),
        (aten.add.Tensor, (meta(2, dtype=torch.int64), 1.5), {}),
        (aten.relu.default, (meta(1, 4, 2, 2).to(memory_format=torch.channels_last),), {}),
        (aten._to_copy.default, (meta(2),), {"dtype": torch.float16}),
    ],
)
def test_a_known_result_is_that_of_the_operator(operator, args, kwargs):
    counted = Counted(operator)
    expected = form(operator(*args, **kwargs))
    first, second = infer(counted, args, kwargs), infer(counted, args, kwargs)
    assert form(first) == form(second) == expected
    assert counted.calls == 1 and first is not second


@pytest.mark.parametrize(
    ("args", "others"),
    [
        ((meta(2, 3), 1), (meta(3, 2), 1)),
        ((meta(2, 3), 1), (meta(2, 3), 1.0)),
        ((meta(2, 3), 1), (meta(2, 3), True)),
        ((meta(2, 3), 1), (meta(2, 3, dtype=torch.float64), 1)),
        ((meta(2, 2), 1), (meta(2, 2).t(), 1)),
    ],
)
def test_other_arguments_are_another_call(args, others):
    counted = Counted(aten.mul.Tensor)
    for given in (args, others):
        assert form(infer(counted, given, {})) == form(aten.mul.Tensor(*given))
    assert counted.calls == 2


@pytest.mark.parametrize(
    "args",
    [
        (meta(4, 3)[1:],),  # starts later in its memory
        (meta(2, dtype=torch.complex64),),
        (torch.ones(2),),  # has data, on which a result may depend
    ],
    ids=["part", "complex", "data"],
)
def test_other_tensors_are_not_remembered(args):
    counted = Counted(aten.neg.default)
    for _ in range(2):
        infer(counted, args, {})
    assert counted.calls == 2


def test_several_results_are_not_remembered():
    counted = Counted(aten.split.Tensor)
    for _ in range(2):
        assert [tuple(part.shape) for part in infer(counted, (meta(3), 2), {})] == [(2,), (1,)]
    assert counted.calls == 2


def test_the_number_of_known_results_is_limited(monkeypatch):
    monkeypatch.setattr(inferred_results, "MOST_KNOWN", 3)
    for size in range(1, 9):
        infer(aten.neg.default, (meta(size),), {})
    assert len(inferred_results._known) <= 3
