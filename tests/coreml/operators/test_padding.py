import numpy as np
import pytest
from coremltools.converters.mil.mil import Builder as mb
from hypothesis import given, settings
from hypothesis import strategies as st

few = settings(max_examples=15, deadline=None, derandomize=True)
MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge"}


@pytest.mark.parametrize("mode", MODES)
@few
@given(
    shape=st.lists(st.integers(3, 5), min_size=1, max_size=4),
    count=st.integers(1, 4),
    seed=st.integers(0, 1000),
    value=st.sampled_from([0.0, -1.5]),
)
def test_pad(evaluate, mode, shape, count, seed, value):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape).astype(np.float32)
    amounts = rng.integers(0, 3, 2 * min(count, len(shape)))
    constant = {"constant_val": np.float32(value)} if mode == "constant" else {}
    got = evaluate(lambda x: mb.pad(x=x, pad=amounts, mode=mode, **constant), x)
    pairs = [(0, 0)] * (len(shape) - len(amounts) // 2) + amounts.reshape(-1, 2).tolist()
    filled = {"constant_values": value} if mode == "constant" else {}
    assert np.array_equal(got, np.pad(x, pairs, MODES[mode], **filled))
