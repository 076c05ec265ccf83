import pytest
import torch
from torch.nn import functional as F

from hvit_edge.targets.coreml.half_safety import unsafe_in_float16

IMAGE = torch.randn(1, 4, 16, 12, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def reasons(call, translation):
    """`(function, image)`: operators that float16 would break, each with the reason."""

    def run(function, image):
        program = translation(call(function), image).program
        found = unsafe_in_float16(program, [{"image": image.numpy()}])
        kinds = {op.name: op.op_type for op in program.functions["main"].operations}
        return {kinds[name]: reason for name, reason in found.items()}

    return run


def normalized(x):
    return F.normalize(x.flatten(2), dim=-1)


def test_common_values_stay_in_float16(reasons):
    assert not reasons(normalized, IMAGE)


def test_a_sum_of_squares_beyond_float16_stays_in_float32(reasons):
    """No value is larger than 100, and no norm than 1000: 192 squares are."""
    (kind, reason), *rest = reasons(normalized, 25 * IMAGE).items()
    assert (kind, rest) == ("reduce_l2_norm", [])
    assert reason.startswith("sums squares up to")


def test_squares_that_vanish_stay_in_float32(reasons):
    (kind, reason), *rest = reasons(normalized, 3e-4 * IMAGE).items()
    assert (kind, rest) == ("reduce_l2_norm", [])
    assert "of its squares to rounding" in reason


def test_squares_that_are_stored_are_judged_as_values(reasons):
    found = reasons(lambda x: F.rms_norm(x, (12,)), 300 * IMAGE)
    assert set(found) >= {"square", "reduce_mean"}
    assert all("values up to" in reason for reason in found.values())


def test_what_reads_lost_numbers_stays_in_float32(reasons):
    """log(1e-10) is a common number, of one that float16 does not have."""
    found = reasons(lambda x: (1e-10 * (x.abs() + 0.1)).log(), IMAGE)
    assert set(found) == {"mul", "log"}
    assert "loses 100.0%" in found["mul"]
    assert found["log"] == "reads numbers that rounding would lose"


def test_truth_values_are_no_numbers(reasons):
    assert not reasons(lambda x: torch.where(x > 0, x, 0.5), IMAGE)


def test_what_leads_to_scores_that_rounding_changes_stays_in_float32(reasons):
    """Scores of a thousand are rounded to halves: shares then change by tens of percent."""

    def attend(x):
        tokens = (1 + 1e-3 * x.sin()).flatten(2).transpose(1, 2) * (x.amax() + 1)
        shares = (tokens @ tokens.transpose(1, 2) + 1).softmax(-1)
        return shares.exp()

    assert not reasons(attend, 0.1 * IMAGE)
    found = reasons(attend, 12 * IMAGE)
    assert {"sin", "reduce_max", "mul", "matmul", "add", "softmax"} <= set(found)
    assert "exp" not in found
    assert "leads to a softmax that rounding scores up to" in found["softmax"]
