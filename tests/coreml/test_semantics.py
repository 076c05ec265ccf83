import numpy as np
import torch
from coremltools.converters.mil.mil import Builder as mb
from hypothesis import given, settings
from hypothesis import strategies as st

from hvit_edge.coreml.semantics import stored, widened

few = settings(max_examples=12, deadline=None, derandomize=True)


def chain(x):
    for _ in range(8):
        x = mb.add(x=x, y=np.float16(2**-12))
    return x


def test_every_operator_rounds(evaluate):
    x = np.ones(3, np.float16)
    assert evaluate(chain, x).tolist() == [1, 1, 1]
    kept = evaluate(chain, x, storage=False)
    assert kept.dtype == np.float32
    assert kept.tolist() == [1 + 2**-9] * 3


def test_one_operator_rounds_once(evaluate):
    x = np.full((1, 4096), 2**-12, np.float16)
    x[0, 0] = 1
    got = evaluate(lambda x: mb.reduce_sum(x=x, axes=[1]), x)
    assert got.dtype == np.float16
    assert got.tolist() == [2.0]  # 1 + 4095 / 4096, which float16 rounds up


def test_overflow_becomes_infinite(evaluate):
    x = np.array([70000, -70000, 65519, 65520], np.float32)
    got = evaluate(lambda x: mb.cast(x=x, dtype="fp16"), x)
    assert got.tolist() == [np.inf, -np.inf, 65504, np.inf]
    squared = evaluate(lambda x: mb.mul(x=x, y=x), np.array([256], np.float16))
    assert squared.tolist() == [np.inf]
    rooted = evaluate(
        lambda x: mb.sqrt(x=mb.mul(x=x, y=x)), np.array([256], np.float16), storage=False
    )
    assert rooted.tolist() == [256]


def test_subnormals_are_kept(evaluate):
    x = np.array([2.0**-24, 2.0**-26], np.float32)
    assert evaluate(lambda x: mb.cast(x=x, dtype="fp16"), x).tolist() == [2.0**-24, 0]


@few
@given(seed=st.integers(0, 1000))
def test_a_float16_operator_is_the_rounded_float32_one(evaluate, seed):
    rng = np.random.default_rng(seed)
    x, y = (rng.standard_normal(64).astype(np.float16) for _ in range(2))
    got = evaluate(lambda x, y: mb.mul(x=x, y=y), x, y)
    assert np.array_equal(got, (x.astype(np.float32) * y.astype(np.float32)).astype(np.float16))


@few
@given(values=st.lists(st.integers(-(2**40), 2**40), min_size=1, max_size=8))
def test_integers_wrap_to_the_declared_width(values):
    wide = torch.tensor(values)
    for dtype in (torch.int32, torch.int16, torch.uint8):
        expected = np.array(values).astype(str(dtype).removeprefix("torch."))
        assert np.array_equal(stored(wide, dtype).numpy(), expected)


def test_widening_is_exact():
    assert widened(torch.tensor([65535], dtype=torch.uint16)).tolist() == [65535]
    assert widened(torch.tensor([0.1], dtype=torch.float16)).dtype is torch.float32
    assert widened(torch.tensor([True])).dtype is torch.bool
    assert widened("label") == "label"


def test_storing_goes_towards_zero_and_to_truth():
    values = torch.tensor([-1.75, 0.0, 0.5])
    assert stored(values, torch.int32).tolist() == [-1, 0, 0]
    assert stored(values, torch.bool).tolist() == [True, False, True]
    assert stored({"cat": 0.5}, None) == {"cat": 0.5}
