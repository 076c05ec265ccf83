import numpy as np
import pytest
import torch
import torch.nn.functional as F
from coremltools.converters.mil.mil import Builder as mb
from hypothesis import given, settings
from hypothesis import strategies as st

few = settings(max_examples=12, deadline=None, derandomize=True)
AVERAGES = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}
LARGEST = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
cases = {
    "rank": st.integers(1, 3),
    "kernel": st.integers(1, 4),
    "stride": st.integers(1, 3),
    "seed": st.integers(0, 1000),
}


def draw(seed, rank):
    shape = (2, 3, *range(5, 5 + rank))
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def pool(evaluate, name, x, kernel, stride, pad_type, **options):
    rank = x.ndim - 2
    return evaluate(
        lambda x: getattr(mb, name)(
            x=x,
            kernel_sizes=[kernel] * rank,
            strides=[stride] * rank,
            pad_type=pad_type,
            **options,
        ),
        x,
    )


@pytest.mark.parametrize("ceil", [False, True])
@few
@given(**cases)
def test_symmetric_padding_is_that_of_pytorch(evaluate, close, ceil, rank, kernel, stride, seed):
    rank = min(rank, 2) if ceil else rank
    stride = min(stride, kernel)
    x, pad = draw(seed, rank), kernel // 2
    wide = torch.from_numpy(x).double()
    options = {"pad": [pad] * (2 * rank), "ceil_mode": ceil}
    got = pool(evaluate, "max_pool", x, kernel, stride, "custom", **options)
    close(got, LARGEST[rank](wide, kernel, stride, pad, ceil_mode=ceil))
    for excluded in (False, True):
        got = pool(
            evaluate,
            "avg_pool",
            x,
            kernel,
            stride,
            "custom",
            exclude_padding_from_average=excluded,
            **options,
        )
        expected = AVERAGES[rank](
            wide, kernel, stride, pad, ceil_mode=ceil, count_include_pad=not excluded
        )
        close(got, expected)


@pytest.mark.parametrize("pad_type", ["valid", "same", "same_lower"])
@few
@given(**cases)
def test_named_paddings(evaluate, close, pad_type, rank, kernel, stride, seed):
    x = draw(seed, rank)
    pad = []
    for extent in x.shape[2:]:
        total = max(0, (-(-extent // stride) - 1) * stride + kernel - extent)
        pair = [total // 2, total - total // 2]
        pad += {"valid": [0, 0], "same": pair, "same_lower": pair[::-1]}[pad_type]
    last_first = [amount for i in reversed(range(rank)) for amount in pad[2 * i : 2 * i + 2]]
    wide = torch.from_numpy(x).double()
    padded = F.pad(wide, last_first)
    lowest = F.pad(wide, last_first, value=-1e9)
    close(
        pool(evaluate, "max_pool", x, kernel, stride, pad_type),
        LARGEST[rank](lowest, kernel, stride),
    )
    close(
        pool(evaluate, "avg_pool", x, kernel, stride, pad_type),
        AVERAGES[rank](padded, kernel, stride),
    )
    inside = AVERAGES[rank](F.pad(torch.ones_like(wide), last_first), kernel, stride)
    excluded = pool(
        evaluate, "avg_pool", x, kernel, stride, pad_type, exclude_padding_from_average=True
    )
    close(excluded, AVERAGES[rank](padded, kernel, stride) / inside)
    if rank < 3:
        squares = AVERAGES[rank](padded**2, kernel, stride) * kernel**rank
        close(pool(evaluate, "l2_pool", x, kernel, stride, pad_type), squares.sqrt())
