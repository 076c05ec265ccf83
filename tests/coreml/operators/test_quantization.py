import numpy as np
import pytest
from coremltools.converters.mil.mil import Builder as mb
from hypothesis import given, settings
from hypothesis import strategies as st

few = settings(max_examples=15, deadline=None, derandomize=True)


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@few
@given(
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    place=st.integers(-4, 3),
    seed=st.integers(0, 1000),
    shifted=st.booleans(),
)
def test_quantize_and_dequantize(evaluate, close, dtype, shape, place, seed, shifted):
    rng = np.random.default_rng(seed)
    x = (40 * rng.standard_normal(shape)).astype(np.float32)
    axis = None if place == 3 else place % len(shape)
    count = () if axis is None else (shape[axis],)
    scale = rng.uniform(0.1, 0.5, count).astype(np.float32)
    zero = rng.integers(0, 100, count).astype(dtype)
    laid = [-1 if i == axis else 1 for i in range(len(shape))]
    zeros = zero.astype(np.int64).reshape(laid) if shifted else 0
    options = {"scale": scale} | ({"axis": axis} if axis is not None else {})
    options |= {"zero_point": zero} if shifted else {}
    levels = evaluate(lambda x: mb.quantize(input=x, output_dtype=dtype, **options), x)
    assert levels.dtype == dtype
    info = np.iinfo(dtype)
    rounded = np.round(x / scale.reshape(laid)) + zeros
    assert np.array_equal(levels, np.clip(rounded, info.min, info.max))
    got = evaluate(
        lambda x: mb.dequantize(
            input=mb.quantize(input=x, output_dtype=dtype, **options), **options
        ),
        x,
    )
    close(got, (levels.astype(np.float64) - zeros) * scale.reshape(laid))
