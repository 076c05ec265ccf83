"""Comparing outputs: floats by distance, integers by the share that differs."""

import numpy as np
import pytest

from hvit_edge.errors import InputError
from hvit_edge.measures.difference import compare_output
from hvit_edge.measures.tolerance import Tolerance, step_tolerance
from hvit_edge.parity.judge_outputs import judge_outputs, tolerances_of


def test_floats_of_any_rank_are_compared_without_classes():
    expected = np.array([[[1.0, -4.0]]], np.float32)
    difference = compare_output(expected, expected[..., ::-1] * np.float32([[[0, 1]]]))
    assert difference.max_abs == 5.0 and difference.max_rel == 1.25
    assert difference.top1_agree is True
    assert compare_output(np.float32(2), np.float32(2)).max_rel == 0
    assert compare_output(expected, expected * np.nan).max_rel == np.inf
    with pytest.raises(InputError, match="expected two outputs of one shape"):
        compare_output(expected, expected[0])


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "bool"])
def test_integers_are_compared_by_the_share_that_differs(dtype):
    expected = np.zeros((2, 5), dtype)
    actual = expected.copy()
    actual[1, 3] = 1
    difference = compare_output(expected, actual)
    assert (difference.max_abs, difference.max_rel) == (1.0, 0.1)
    assert difference.cosine == pytest.approx(0.9)


def rows(*values):
    return [(np.float32([[value, 1]]), np.array([value > 0])) for value in values]


def test_each_output_is_judged_by_itself_over_all_samples():
    expected = rows(3, -3, 5)
    tolerances = tolerances_of(step_tolerance("runtime", "fp32"), expected[0], "fp32", None)
    assert [str(one) for one in tolerances] == ["max_rel <= 0.0001"] * 2
    same = judge_outputs("runtime", ["x", "sign"], expected, expected, tolerances)
    assert same.passed and [one.name for one in same.outputs] == ["x", "sign"]
    flipped = [(a, b) for (a, _), (_, b) in zip(expected, rows(3, 3, 5), strict=True)]
    result = judge_outputs("runtime", ["x", "sign"], flipped, expected, tolerances)
    assert not result.passed
    assert [one.passed for one in result.outputs] == [True, False]
    assert result.difference.max_rel == pytest.approx(1 / 3)
    assert result.to_dict()["outputs"][1]["name"] == "sign"


def test_the_cosine_is_that_of_all_samples_together():
    """A single sample close to zero may have any cosine."""
    expected = [(np.float32([[10.0, 1.0]]),), (np.float32([[0.01, 0.0]]),)]
    actual = [expected[0], (np.float32([[0.0, 0.01]]),)]
    tolerance = [Tolerance(cosine=0.99, same_top1=False)]
    assert judge_outputs("lowered", ["x"], actual, expected, tolerance).passed
    wrong = [(np.float32([[1.0, 10.0]]),), expected[1]]
    assert not judge_outputs("lowered", ["x"], wrong, expected, tolerance).passed


def test_lower_precision_lets_some_integers_flip():
    expected = (np.zeros(10, np.float32), np.zeros(10, np.int64))
    floats, integers = tolerances_of(step_tolerance("lowered", "int8"), expected, "int8", None)
    assert floats.cosine == 0.99 and floats.max_rel is None
    assert integers.max_rel == 0.2
