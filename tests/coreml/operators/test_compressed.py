import numpy as np
import pytest
from coremltools.converters.mil.mil import Builder as mb
from coremltools.converters.mil.mil import types
from hypothesis import given, settings
from hypothesis import strategies as st

few = settings(max_examples=12, deadline=None, derandomize=True)
shapes = st.lists(st.integers(1, 4), min_size=1, max_size=3)
seeds = st.integers(0, 1000)
ONE = np.ones(1, np.float32)
UINTS = {
    1: types.np_uint1_dtype,
    2: types.np_uint2_dtype,
    3: types.np_uint3_dtype,
    4: types.np_uint4_dtype,
    6: types.np_uint6_dtype,
    8: np.dtype(np.uint8),
}


def expanded(evaluate, constant, ios):
    """Return the values of a constant; programs need an input, and an operator that keeps x."""

    def body(x):
        return mb.identity(x=constant()), mb.identity(x=x)

    return evaluate(body, ONE, ios=ios)[0]


def packed(numbers, bits):
    """Least significant bit first, without numpy's own packing."""
    stream = [int(number) >> bit & 1 for number in numbers for bit in range(bits)]
    stream += [0] * (-len(stream) % 8)
    groups = [stream[i : i + 8] for i in range(0, len(stream), 8)]
    return np.array([sum(bit << i for i, bit in enumerate(group)) for group in groups], np.uint8)


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@few
@given(shape=shapes, at=st.integers(-3, 2), seed=seeds, single=st.booleans())
def test_affine_dequantize(evaluate, close, dtype, shape, at, seed, single):
    rng = np.random.default_rng(seed)
    axis = at % len(shape) - (len(shape) if at < 0 else 0)
    info = np.iinfo(dtype)
    data = rng.integers(info.min, info.max + 1, shape).astype(dtype)
    count = () if single else (shape[axis],)
    scale = rng.uniform(0.1, 1, count).astype(np.float32)
    zero = np.asarray(rng.integers(info.min, info.max + 1, count)).astype(dtype)
    got = expanded(
        evaluate,
        lambda: mb.constexpr_affine_dequantize(
            quantized_data=data,
            zero_point=zero if count else zero[()],
            scale=scale if count else np.float32(scale),
            axis=axis,
        ),
        16,
    )
    moved = np.moveaxis(data.astype(np.float64), axis, -1)
    close(got, np.moveaxis((moved - zero) * scale, -1, axis))


@few
@given(shape=shapes, bits=st.sampled_from([1, 2, 4, 6, 8]), seed=seeds)
def test_packed_lookup(evaluate, shape, bits, seed):
    rng = np.random.default_rng(seed)
    table = rng.standard_normal(2**bits).astype(np.float32)
    indices = rng.integers(0, 2**bits, shape)
    got = expanded(
        evaluate,
        lambda: mb.constexpr_lut_to_dense(
            indices=packed(indices.reshape(-1), bits), lut=table, shape=np.uint32(shape)
        ),
        16,
    )
    assert np.array_equal(got, table[indices])


@few
@given(
    blocks=st.lists(st.integers(1, 3), min_size=1, max_size=3),
    block=st.integers(1, 3),
    bits=st.sampled_from([1, 2, 3, 4, 6, 8]),
    length=st.integers(1, 3),
    at=st.integers(-3, 2),
    seed=seeds,
)
def test_lookup_by_blocks_of_vectors(evaluate, blocks, block, bits, length, at, seed):
    rng = np.random.default_rng(seed)
    axis = at % len(blocks) - (len(blocks) if at < 0 else 0)
    shape = [count * block for count in blocks]
    tables = rng.standard_normal((*blocks, 2**bits, length)).astype(np.float32)
    indices = rng.integers(0, 2**bits, shape)
    got = expanded(
        evaluate,
        lambda: mb.constexpr_lut_to_dense(
            indices=indices.astype(UINTS[bits]), lut=tables, vector_axis=np.int32(axis)
        ),
        18,
    )
    expected = np.empty(
        [size * length if i == axis % len(shape) else size for i, size in enumerate(shape)]
    )
    for place in np.ndindex(*shape):
        vector = tables[tuple(i // block for i in place)][indices[place]]
        for i, value in enumerate(vector):
            target = list(place)
            target[axis] = place[axis] * length + i
            expected[tuple(target)] = value
    assert np.array_equal(got, expected.astype(np.float32))


@pytest.mark.parametrize("dtype", [types.np_int4_dtype, types.np_uint4_dtype, np.dtype(np.int8)])
@few
@given(
    blocks=st.lists(st.integers(1, 3), min_size=1, max_size=3),
    block=st.integers(1, 3),
    seed=seeds,
    shifted=st.booleans(),
)
def test_blockwise_shift_scale(evaluate, close, dtype, blocks, block, seed, shifted):
    rng = np.random.default_rng(seed)
    low = 0 if dtype.kind == "u" else -8
    data = rng.integers(low, low + 16, [count * block for count in blocks]).astype(dtype)
    scale = rng.uniform(0.1, 1, blocks).astype(np.float32)
    offset = rng.integers(low, low + 16, blocks).astype(dtype)
    got = expanded(
        evaluate,
        lambda: mb.constexpr_blockwise_shift_scale(
            data=data, scale=scale, offset=offset if shifted else None
        ),
        18,
    )
    whole = np.ones([block] * len(blocks))
    moved = data.astype(np.float64) - (np.kron(offset.astype(np.float64), whole) * shifted)
    close(got, moved * np.kron(scale.astype(np.float64), whole))


@few
@given(shape=shapes, seed=seeds)
def test_sparse_to_dense(evaluate, shape, seed):
    rng = np.random.default_rng(seed)
    mask = rng.integers(0, 2, shape)
    mask.reshape(-1)[0] = 1
    dense = (rng.uniform(1, 2, shape) * mask).astype(np.float32)
    data = dense[mask == 1]
    got = expanded(
        evaluate,
        lambda: mb.constexpr_sparse_to_dense(
            nonzero_data=data, mask=packed(mask.reshape(-1), 1), shape=np.uint32(shape)
        ),
        16,
    )
    assert np.array_equal(got, dense)
    got = expanded(
        evaluate,
        lambda: mb.constexpr_sparse_to_dense(nonzero_data=data, mask=mask.astype(UINTS[1])),
        18,
    )
    assert np.array_equal(got, dense)


@few
@given(shape=shapes, seed=seeds, length=st.integers(1, 2))
def test_sparse_lookup_and_scale_feed_the_dense_tensor(evaluate, close, shape, seed, length):
    rng = np.random.default_rng(seed)
    mask = rng.integers(0, 2, shape)
    mask.reshape(-1)[0] = 1
    table = rng.standard_normal((*[1] * len(shape), 4, length)).astype(np.float32)
    indices = rng.integers(0, 4, shape)

    def looked_up():
        kept, values = mb.constexpr_lut_to_sparse(
            indices_mask=mask.astype(UINTS[1]),
            indices_nonzero_data=indices[mask == 1].astype(UINTS[2]),
            lut=table,
            vector_axis=np.int32(0),
        )
        return mb.constexpr_sparse_to_dense(nonzero_data=values, mask=kept)

    vectors = table.reshape(4, length)[indices] * mask[..., None]
    expected = np.moveaxis(vectors, -1, 1).reshape(shape[0] * length, *shape[1:])
    assert np.array_equal(expanded(evaluate, looked_up, 18), expected)

    data = rng.integers(-8, 8, shape)
    scale = rng.uniform(0.1, 1, [shape[0], *[1] * (len(shape) - 1)]).astype(np.float32)
    offset = rng.integers(-8, 8, scale.shape)

    def scaled():
        kept, values = mb.constexpr_sparse_blockwise_shift_scale(
            data_mask=mask.astype(UINTS[1]),
            nonzero_data=data[mask == 1].astype(types.np_int4_dtype),
            scale=scale,
            offset=offset.astype(types.np_int4_dtype),
        )
        return mb.constexpr_sparse_to_dense(nonzero_data=values, mask=kept)

    close(expanded(evaluate, scaled, 18), (data - offset) * scale.astype(np.float64) * mask)


def test_cast_and_chains(evaluate, close):
    half = np.array([1.5, 2.25], np.float16)
    got = expanded(evaluate, lambda: mb.constexpr_cast(source_val=half, output_dtype="fp32"), 16)
    assert got.dtype == np.float32
    assert np.array_equal(got, half)

    def chained():
        scale = mb.constexpr_blockwise_shift_scale(
            data=np.array([[2], [3]], np.int8), scale=np.full((1, 1), 0.5, np.float32)
        )
        return mb.constexpr_blockwise_shift_scale(data=np.full((2, 4), 5, np.int8), scale=scale)

    close(expanded(evaluate, chained, 18), [[5.0] * 4, [7.5] * 4])


def test_a_compressed_constant_may_be_an_output(program):
    made = program(
        lambda x: (
            x,
            mb.constexpr_cast(source_val=np.float16([1.5]), output_dtype="fp32", name="constant"),
        ),
        ONE,
    )
    assert made.run({"x": ONE})["constant"].tolist() == [1.5]
