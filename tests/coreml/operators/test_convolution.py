import numpy as np
import pytest
import torch
import torch.nn.functional as F
from coremltools.converters.mil.mil import Builder as mb
from hypothesis import given, settings
from hypothesis import strategies as st

few = settings(max_examples=12, deadline=None, derandomize=True)
CONVOLUTIONS = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
cases = {
    "rank": st.integers(1, 3),
    "groups": st.sampled_from([1, 2, 4]),
    "seed": st.integers(0, 1000),
    "kernel": st.integers(1, 4),
    "stride": st.integers(1, 3),
    "dilation": st.integers(1, 2),
    "biased": st.booleans(),
}


def draw(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def wide(array):
    return None if array is None else torch.from_numpy(array).double()


@pytest.mark.parametrize("pad_type", ["valid", "custom", "same", "same_lower"])
@few
@given(**cases, size=st.integers(7, 9))
def test_conv(
    evaluate, close, pad_type, rank, groups, seed, kernel, stride, dilation, biased, size
):
    sizes = [size + axis for axis in range(rank)]
    x, weight = draw(seed, 2, 4, *sizes), draw(seed + 1, 8, 4 // groups, *[kernel] * rank)
    bias = draw(seed + 2, 8) if biased else None
    pad = np.random.default_rng(seed).integers(0, 3, 2 * rank).tolist()
    span = (kernel - 1) * dilation + 1
    if pad_type == "valid":
        pad = [0] * (2 * rank)
    elif pad_type != "custom":
        totals = [max(0, (-(-extent // stride) - 1) * stride + span - extent) for extent in sizes]
        larger_last = [half for total in totals for half in (total // 2, total - total // 2)]
        larger_first = [half for total in totals for half in (total - total // 2, total // 2)]
        pad = larger_last if pad_type == "same" else larger_first
    last_first = [amount for i in reversed(range(rank)) for amount in pad[2 * i : 2 * i + 2]]
    padded = F.pad(wide(x), last_first)
    expected = CONVOLUTIONS[rank](padded, wide(weight), wide(bias), stride, 0, dilation, groups)
    custom = {"pad": pad} if pad_type == "custom" else {}
    got = evaluate(
        lambda x: mb.conv(
            x=x,
            weight=weight,
            bias=bias,
            strides=[stride] * rank,
            dilations=[dilation] * rank,
            groups=groups,
            pad_type=pad_type,
            **custom,
        ),
        x,
    )
    close(got, expected)


def test_conv_with_its_defaults_and_a_weight_computed_at_run_time(evaluate, close):
    x, weight = draw(0, 1, 3, 6, 6), draw(1, 2, 3, 3, 3)
    got = evaluate(lambda x, weight: mb.conv(x=x, weight=weight), x, weight)
    close(got, F.conv2d(wide(x), wide(weight)))


@pytest.mark.parametrize("pad_type", ["valid", "custom"])
@few
@given(**cases)
def test_conv_transpose(
    evaluate, close, pad_type, rank, groups, seed, kernel, stride, dilation, biased
):
    x = draw(seed, 2, 4, *range(4, 4 + rank))
    weight = draw(seed + 1, 4, 8 // groups, *[kernel] * rank)
    bias = draw(seed + 2, 8) if biased else None
    pad = np.random.default_rng(seed).integers(0, 2, 2 * rank).tolist()
    full = TRANSPOSED[rank](wide(x), wide(weight), wide(bias), stride, 0, 0, groups, dilation)
    custom = {}
    if pad_type == "custom":
        custom = {"pad": pad}
        for i in range(rank):
            full = full.narrow(2 + i, pad[2 * i], full.shape[2 + i] - pad[2 * i] - pad[2 * i + 1])
    got = evaluate(
        lambda x: mb.conv_transpose(
            x=x,
            weight=weight,
            bias=bias,
            strides=[stride] * rank,
            dilations=[dilation] * rank,
            groups=groups,
            pad_type=pad_type,
            **custom,
        ),
        x,
    )
    close(got, full)


@few
@given(**cases, short=st.integers(0, 2))
def test_conv_transpose_same_is_the_gradient_of_conv_same(
    evaluate, close, rank, groups, seed, kernel, stride, dilation, biased, short
):
    x = draw(seed, 1, 4, *range(3, 3 + rank))
    weight = draw(seed + 1, 4, 8 // groups, *[kernel] * rank)
    sizes = [stride * extent - min(short, stride - 1) for extent in x.shape[2:]]
    span = (kernel - 1) * dilation + 1
    totals = [
        max(0, (extent - 1) * stride + span - size)
        for extent, size in zip(x.shape[2:], sizes, strict=True)
    ]
    image = torch.zeros(1, 8, *sizes, dtype=torch.float64, requires_grad=True)
    pad = [half for total in reversed(totals) for half in (total // 2, total - total // 2)]
    forward = CONVOLUTIONS[rank](F.pad(image, pad), wide(weight), None, stride, 0, dilation, groups)
    forward.backward(wide(x))
    shape = {"output_shape": [1, 8, *sizes]} if short else {}
    got = evaluate(
        lambda x: mb.conv_transpose(
            x=x,
            weight=weight,
            strides=[stride] * rank,
            dilations=[dilation] * rank,
            groups=groups,
            pad_type="same",
            **shape,
        ),
        x,
    )
    close(got, image.grad)


@few
@given(stride=st.integers(2, 4), extra=st.integers(0, 1), seed=st.integers(0, 1000))
def test_conv_transpose_to_an_output_shape(evaluate, close, stride, extra, seed):
    x, weight, bias = draw(seed, 1, 2, 4, 5), draw(seed + 1, 2, 3, 3, 3), draw(seed + 2, 3)
    expected = F.conv_transpose2d(
        wide(x), wide(weight), wide(bias), stride, padding=1, output_padding=extra
    )
    got = evaluate(
        lambda x: mb.conv_transpose(
            x=x,
            weight=weight,
            bias=bias,
            strides=[stride, stride],
            pad=[1, 1, 1, 1],
            pad_type="custom",
            output_shape=list(expected.shape),
        ),
        x,
    )
    close(got, expected)
