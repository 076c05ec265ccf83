import math

import pytest

from hvit_edge.artifact.metadata import Difference
from hvit_edge.errors import InputError
from hvit_edge.measures.tolerance import Tolerance, golden_tolerance, step_tolerance
from hvit_edge.precision import TARGET_PRECISIONS

PRECISIONS = sorted({name for names in TARGET_PRECISIONS.values() for name in names})


def difference(max_rel=0.0, cosine=1.0, top1_agree=True):
    return Difference(max_rel, max_rel, cosine, top1_agree)


# A difference that each precision must accept, and one that it must not: (inside, outside).
LIMITS = {
    "fp32": [
        (difference(max_rel=1e-4), difference(max_rel=1.01e-4)),
        (difference(cosine=0.9), difference(top1_agree=False)),
    ],
    "fp16": [
        (difference(cosine=0.9995), difference(cosine=0.99949)),
        (difference(max_rel=0.5), difference(max_rel=0.0101, top1_agree=False)),
        # classes whose values differ by less than rounding does
        (difference(max_rel=0.01, top1_agree=False), difference(max_rel=0.5, top1_agree=False)),
    ],
    "int8": [
        (difference(cosine=0.99, top1_agree=False), difference(cosine=0.9899)),
        (difference(max_rel=0.5), difference(max_rel=math.inf)),
    ],
}
LIMITS["int8-dynamic"] = LIMITS["auto"] = LIMITS["w8"] = LIMITS["int8"]
for precision, cosine in {"w6": 0.98, "w4": 0.5}.items():
    LIMITS[precision] = [
        (difference(cosine=cosine, top1_agree=False), difference(cosine=cosine - 1e-4)),
        (difference(max_rel=2.0), difference(max_rel=math.nan)),
    ]


def test_every_precision_has_its_limits_here():
    assert set(LIMITS) == set(PRECISIONS)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_limits(precision):
    tolerance = step_tolerance("lowered", precision)
    for inside, outside in LIMITS[precision]:
        assert tolerance.within(inside)
        assert not tolerance.within(outside)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_what_is_not_finite_is_never_within(precision):
    for broken in (math.inf, math.nan):
        assert not step_tolerance("runtime", precision).within(difference(max_rel=broken))
    assert not Tolerance(same_top1=False).within(difference(max_rel=math.inf))


@pytest.mark.parametrize("precision", PRECISIONS)
def test_rtol_takes_the_place_of_the_precisions_own_gate(precision):
    for step in ("quantised", "lowered", "runtime", "evaluated", "predicted"):
        tolerance = step_tolerance(step, precision, 1e-3)
        assert tolerance.within(difference(max_rel=1e-3, cosine=0.5))
        assert not tolerance.within(difference(max_rel=1.01e-3))
        assert not tolerance.within(difference(top1_agree=False))
    assert golden_tolerance(precision, 1e-3) == 1e-3


@pytest.mark.parametrize("rtol", [None, 0.5])
@pytest.mark.parametrize("precision", ["fp16", "int8", "int8-dynamic", "w8", "w4"])
def test_before_rounding_the_gate_is_that_of_fp32(precision, rtol):
    for step in ("exported", "rewritten"):
        assert step_tolerance(step, precision, rtol) == Tolerance(max_rel=1e-4)


def test_fp32_has_one_gate_for_every_step():
    assert step_tolerance("rewritten", "fp32", 0.5) == step_tolerance("lowered", "fp32", 0.5)


def test_self_test_tolerances():
    assert {p: golden_tolerance(p) for p in PRECISIONS} == {
        "fp32": 1e-4,
        "fp16": 2e-2,
        "int8": 0.2,
        "int8-dynamic": 0.2,
        "auto": 0.2,
        "w8": 0.2,
        "w6": 0.5,
        "w4": 1.0,
    }


@pytest.mark.parametrize("ask", [golden_tolerance, lambda p: step_tolerance("lowered", p)])
def test_a_precision_without_a_gate_is_refused(ask):
    with pytest.raises(InputError, match="expected one of the precisions fp32, .* got 'int3'"):
        ask("int3")


def test_a_gate_says_what_it_asks_for():
    assert str(step_tolerance("lowered", "fp32")) == "max_rel <= 0.0001 and the same top-1"
    half = "cosine >= 0.9995 and the same top-1 if max_rel > 0.01"
    assert str(step_tolerance("lowered", "fp16")) == half
    assert str(step_tolerance("lowered", "int8")) == "cosine >= 0.99"
    assert str(Tolerance(same_top1=False)) == "finite outputs"
