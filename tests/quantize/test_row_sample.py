"""The chosen rows and the mean of all rows, against every patch cut out by hand."""

import numpy as np
import pytest
import torch
from torch import nn

from hvit_edge.quantize.layers import find_layers
from hvit_edge.quantize.moments import input_moments
from hvit_edge.quantize.row_sample import LEAST_ROWS, ROWS_PER_INPUT, RowSample

RTOL = 1e-5  # of float32 sums


def sampled(module, x, graph_of, inputs):
    (layer,) = find_layers(graph_of(module, x))
    return RowSample(layer, inputs)


def patch(x: np.ndarray, module: nn.Conv2d, row: int, column: int, group: int) -> np.ndarray:
    """What the output pixel (row, column) of one group reads from [channels, height, width]."""
    (up, left), share = module.padding, x.shape[0] // module.groups
    padded = np.pad(x, ((0, 0), (up, up), (left, left)))[group * share : (group + 1) * share]
    top, start = row * module.stride[0], column * module.stride[1]
    rows = top + module.dilation[0] * np.arange(module.kernel_size[0])
    columns = start + module.dilation[1] * np.arange(module.kernel_size[1])
    return padded[:, rows[:, None], columns].ravel()


@pytest.mark.parametrize("rows, step", [(100, 1), (2 * LEAST_ROWS, 2), (7 * LEAST_ROWS, 7)])
def test_tokens(rows, step, graph_of):
    x = torch.randn(64, 5)
    sample = sampled(nn.Linear(5, 3), x, graph_of, rows // 64)
    assert sample.step == step
    assert torch.equal(sample.first(x), x[None, ::step])
    for turn in range(2 * step):
        assert torch.equal(sample.rows(x), x[None, turn % step :: step])
    assert torch.allclose(sample.mean(x), x.mean(0)[None], atol=RTOL)


def test_wide_rows_are_sampled_more_often(graph_of):
    width = 2 * LEAST_ROWS // ROWS_PER_INPUT
    x = torch.randn(64, width)
    assert sampled(nn.Linear(width, 3), x, graph_of, 3 * LEAST_ROWS // 64).step == 1
    assert sampled(nn.Linear(width, 3), x, graph_of, 6 * LEAST_ROWS // 64).step == 3


CONVOLUTIONS = {
    "pointwise": nn.Conv2d(4, 6, 1),
    "stride and padding": nn.Conv2d(4, 6, 3, stride=2, padding=1),
    "each its own": nn.Conv2d(4, 6, (3, 2), stride=(1, 2), padding=(2, 1), dilation=(2, 3)),
    "groups": nn.Conv2d(4, 6, 3, padding=(1, 0), groups=2),
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_patches(name, graph_of):
    module, x = CONVOLUTIONS[name], torch.randn(1, 4, 16, 14)
    _, _, height, width = module(x).shape
    sample = sampled(module, x, graph_of, 5 * LEAST_ROWS // (height * width))
    pixels = [(row, column) for row in range(height) for column in range(width)]
    cut = np.array(
        [
            [patch(x[0].numpy(), module, *at, group) for at in pixels]
            for group in range(module.groups)
        ]
    )
    wanted = cut.mean(1)
    assert np.abs(sample.mean(x).numpy() - wanted).max() <= RTOL * np.abs(cut).max()
    for turn in range(7):
        step = sample.step
        if name == "pointwise":
            chosen = range(turn % step, len(pixels), step)
        else:
            tops, starts = turn % step, turn // step % step
            chosen = [
                i
                for i, (row, column) in enumerate(pixels)
                if row % step == tops and column % step == starts
            ]
        assert step > 1
        assert np.array_equal(sample.rows(x).numpy(), cut[:, chosen])


SAMPLED = {
    "linear": (nn.Linear(6, 3), (128, 6), 1024),
    "convolution": (nn.Conv2d(6, 3, 3), (1, 6, 26, 26), 128),
}


@pytest.mark.parametrize("name", SAMPLED)
def test_moments_of_sampled_rows(name, graph_of):
    """The mean is exact, the covariance that of a sample: 16384 of independent values."""
    module, shape, count = SAMPLED[name]
    generator = torch.Generator().manual_seed(0)
    inputs = [0.3 + torch.randn(shape, generator=generator) for _ in range(count)]
    graph = graph_of(module, inputs[0])
    layers = find_layers(graph)
    assert RowSample(layers[0], len(inputs)).step > 1
    (seen,) = input_moments(graph, layers, [(x,) for x in inputs]).values()
    joined = torch.cat(inputs)
    if name == "linear":
        rows = joined
    else:
        rows = nn.functional.unfold(joined, 3).movedim(1, -1).reshape(-1, 54)
    mean, covariance = rows.double().mean(0), torch.cov(rows.double().T, correction=0)
    assert (seen.mean[0] - mean).abs().max() <= RTOL * rows.abs().max()
    assert (seen.covariance[0] - covariance).abs().max() <= 0.06 * covariance.abs().max()
