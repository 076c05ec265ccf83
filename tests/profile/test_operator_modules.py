"""Modules of reported operators: exact if the counts of a kind agree, otherwise unknown."""

import pytest

from hvit_edge.artifact.metadata import OperatorRecord
from hvit_edge.profile.operator_modules import modules_of

RECORDS = [
    OperatorRecord("StaticTranspose", ""),
    OperatorRecord("Conv2d", "stem"),
    OperatorRecord("Clamp", "relu"),
    OperatorRecord("Conv2d", "point"),
    OperatorRecord("Concatenate2", "join"),
    OperatorRecord("FullyConnected", "head"),
]
NAMES = [
    "Transpose (ND, X32) #1",
    "Convolution (NHWC, F32) IGEMM #1",
    "Fully Connected (NC, F32) GEMM #1",
    "Copy (NC, X32) #1",
    "Fully Connected (NC, F32) GEMM #2",
]


def test_kinds_of_the_same_number_are_found():
    """The clamp was fused; a 1x1 convolution runs as fully connected; the root has no name."""
    assert modules_of(RECORDS, NAMES) == ["", "stem", "point", "join", "head"]


def test_a_kind_of_another_number_is_unknown():
    added = [*NAMES[:3], "Copy (NC, X32) #1", "Copy (NC, X32) #2", NAMES[4]]
    assert modules_of(RECORDS, added) == ["", "stem", "point", None, None, "head"]


def test_operators_that_moved_leave_nothing_certain():
    moved = [NAMES[0], NAMES[3], NAMES[1], NAMES[2], NAMES[4]]
    assert modules_of(RECORDS, moved) == [None] * 5


def test_gelu_has_another_name_in_the_record():
    assert modules_of([OperatorRecord("Gelu", "mlp.act")], ["GELU (NC, F32) #1"]) == ["mlp.act"]


def test_our_own_backend_reports_modules_itself():
    names = ["Pad", "Linear stem", "Copy", "Linear head"]
    assert modules_of([], names) == ["", "stem", "", "head"]


@pytest.mark.parametrize(("records", "first"), [([], None), (RECORDS[:1], "")])
def test_old_artifacts_and_other_programs(records, first):
    assert modules_of(records, NAMES) == [first, *[None] * 4]
    assert modules_of(records, []) == []
