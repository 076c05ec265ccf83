import numpy as np
import pytest
import torch

from hvit_edge.artifact.metadata import Difference
from hvit_edge.errors import InputError
from hvit_edge.measures.difference import compare, worst


def test_against_torch():
    rng = np.random.default_rng(0)
    expected, actual = rng.standard_normal((2, 3, 10), dtype=np.float32)
    difference = compare(expected, actual)
    e, a = torch.from_numpy(expected).double(), torch.from_numpy(actual).double()
    cosine = torch.nn.functional.cosine_similarity(e.reshape(-1), a.reshape(-1), dim=0)
    assert difference.max_abs == pytest.approx((e - a).abs().max().item(), rel=1e-12)
    assert difference.max_rel == pytest.approx(difference.max_abs / e.abs().max().item(), rel=1e-12)
    assert difference.cosine == pytest.approx(cosine.item(), rel=1e-12)


def test_top_class_is_compared_beside_the_distance():
    near, tie = np.array([[1.0, 1.0 - 1e-7]]), np.array([[1.0 - 1e-7, 1.0]])
    assert compare(near, near).top1_agree
    assert compare(near, tie).max_rel < 1e-6
    assert not compare(near, tie).top1_agree


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_and_infinity_are_infinitely_far(value):
    broken = np.array([[1.0, value]])
    far = Difference(np.inf, np.inf, 0.0, False)
    assert compare(np.ones((1, 2)), broken) == far
    assert compare(broken, broken) == far


def test_zeros():
    zeros = np.zeros((1, 2))
    assert compare(zeros, zeros) == Difference(0.0, 0.0, 1.0, True)
    assert compare(zeros, zeros + 1e-9).max_rel == np.inf


def test_worst_takes_each_respect_apart():
    a, b = Difference(1.0, 0.1, 0.9, True), Difference(0.5, 0.2, 0.8, False)
    assert worst([a, b]) == Difference(1.0, 0.2, 0.8, False)


def test_other_shape_is_refused():
    with pytest.raises(InputError, match=r"\[compare\].*\[1, 2\] and \[1, 3\]"):
        compare(np.zeros((1, 2)), np.zeros((1, 3)))
