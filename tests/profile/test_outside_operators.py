"""Operators outside the delegates: their names, modules and costs."""

import numpy as np
import pytest
import torch
from torch import nn

import hvit_edge
from hvit_edge.profile.operator_groups import OUTSIDE_DELEGATES
from hvit_edge.profile.outside_operators import modules_of_calls
from hvit_edge.profile.profiling import profile

RECORD = "aten.topk.default\thead\naten.gt.Scalar\t\naten.topk.default\tlast"


def test_calls_are_matched_with_the_record_in_their_order():
    calls = {4: "aten::topk.values", 7: "aten::gt.Scalar_out", 9: "aten::topk.values"}
    assert modules_of_calls(calls, RECORD) == {4: "head", 7: "", 9: "last"}


def test_another_number_of_calls_is_not_certain():
    calls = {1: "aten::topk.values", 2: "aten::gt.Scalar_out", 3: "aten::clone.out"}
    assert modules_of_calls(calls, RECORD) == {1: None, 2: "", 3: None}
    assert modules_of_calls(calls, "") == {1: None, 2: None, 3: None}


class Ranked(nn.Module):
    """Returns the largest sums, whose search no delegate has."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(8, 8)
        self.rank = Rank()
        self.last = nn.Linear(3, 2)

    def forward(self, x):
        return self.last(self.rank(self.first(x)))


class Rank(nn.Module):
    def forward(self, x):
        return torch.topk(x, 3)[0]


@pytest.mark.slow
@pytest.mark.parametrize("target", ["xnnpack", "native"])
def test_a_profile_names_them_with_module_and_share(target, tmp_path):
    path = tmp_path / "ranked.pte"
    torch.manual_seed(0)
    hvit_edge.compile(Ranked().eval(), inputs=torch.ones(1, 8), target=target, output=path)
    assert hvit_edge.Session(path).metadata.ops_outside == "aten.topk.default\trank"
    found = profile(path, iterations=3, warmup=1, threads=1)
    (search,) = found.outside_delegates
    assert (search.name, search.module) == ("aten::topk.values", "rank")
    assert search.cost > 0
    names = [each.name for each in found.operators]
    place = names.index("aten::topk.values")
    assert 0 < place < len(names) - 1  # between the two delegates
    inside = [each for each in found.operators if each.group != OUTSIDE_DELEGATES]
    if target == "native":  # an artifact for XNNPACK records the operators of a single delegate
        assert {"first", "last"} <= {each.module for each in inside}
    told = found.to_dict()["outside_delegates"]
    assert told == {
        "operators": 1,
        "cost": search.cost,
        "share": pytest.approx(search.cost / found.total),
    }


@pytest.mark.slow
def test_a_program_without_a_delegate_has_a_profile(tmp_path):
    path = tmp_path / "sorted.pte"
    sample = np.arange(6, dtype=np.float32).reshape(1, 6)
    hvit_edge.compile(Rank().eval(), inputs=sample, output=path)
    found = profile(path, iterations=1, warmup=0, threads=1)
    assert [each.name for each in found.operators] == ["aten::topk.values"]
    assert found.operators[0].module == ""
