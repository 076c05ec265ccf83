"""Mean and covariance of what layers read, against numpy with every patch cut out by hand."""

import numpy as np
import pytest
import torch
from torch import nn

from hvit_edge.quantize.layers import find_layers
from hvit_edge.quantize.moments import Moments, ReadOnce, input_moments

RTOL = 1e-5  # of the largest entry: float32 products of values about one


def patches(x, kernel, stride, padding, dilation, groups) -> np.ndarray:
    """[groups, patches, inputs] of [batch, channels, height, width], padded with zeros."""
    up, left = padding
    x = np.pad(x, ((0, 0), (0, 0), (up, up), (left, left)))
    share = x.shape[1] // groups
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    found = [[] for _ in range(groups)]
    for image in x:
        for top in range(0, x.shape[2] - reach[0] + 1, stride[0]):
            for start in range(0, x.shape[3] - reach[1] + 1, stride[1]):
                rows = slice(top, top + reach[0], dilation[0])
                columns = slice(start, start + reach[1], dilation[1])
                for group in range(groups):
                    channels = slice(group * share, (group + 1) * share)
                    found[group].append(image[channels, rows, columns].ravel())
    return np.array(found)


def assert_moments(seen, rows: np.ndarray) -> None:
    """`rows` [groups, elements, inputs] are all that the layer read."""
    assert seen.mean.dtype == seen.covariance.dtype == torch.float64
    for mean, covariance, group in zip(seen.mean, seen.covariance, rows, strict=True):
        group = group.astype(np.float64)
        expected = np.cov(group, rowvar=False, bias=True).reshape(covariance.shape)
        assert np.abs(mean.numpy() - group.mean(0)).max() <= RTOL * np.abs(group.mean(0)).max()
        assert np.abs(covariance.numpy() - expected).max() <= RTOL * np.abs(expected).max()


def moments_of(module, inputs, graph_of):
    graph = graph_of(module, inputs[0])
    layers = find_layers(graph)
    seen = input_moments(graph, layers, [(x,) for x in inputs])
    assert list(seen) == [layer.node.name for layer in layers]
    return list(seen.values())


@pytest.mark.parametrize("shape", [(7, 6), (2, 5, 6), (2, 3, 5, 6), (2, 700, 6)])
def test_linear(shape, graph_of):
    inputs = [torch.randn(shape) * (i + 1) + 0.5 * i for i in range(4)]
    (seen,) = moments_of(nn.Linear(6, 3), inputs, graph_of)
    assert seen.mean.shape == (1, 6)
    assert_moments(seen, torch.cat([x.reshape(1, -1, 6) for x in inputs], 1).numpy())


CONVOLUTIONS = {
    "stride and padding": ((3, 3), (2, 2), (1, 1), (1, 1), 1),
    "each its own": ((3, 2), (1, 2), (2, 1), (2, 3), 1),
    "groups": ((3, 3), (1, 1), (1, 0), (1, 1), 2),
    "groups with stride and dilation": ((2, 3), (2, 1), (0, 2), (2, 1), 2),
    "pointwise": ((1, 1), (1, 1), (0, 0), (1, 1), 1),
    "rows": ((3, 3), (1, 1), (1, 1), (1, 1), 1),
    "rows with dilation": ((3, 2), (1, 2), (1, 2), (2, 1), 1),
    "five rows": ((5, 1), (1, 1), (3, 0), (1, 1), 1),
    "rows of a kernel as high as the map": ((8, 2), (1, 1), (0, 0), (1, 1), 1),
    "rows of which few patches share one": ((5, 3), (1, 1), (0, 1), (1, 1), 1),
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolution(name, graph_of):
    how = CONVOLUTIONS[name]
    inputs = [torch.randn(2, 4, 8, 7) * (i + 1) + 0.5 * i for i in range(3)]
    kernel, *geometry, groups = how
    (seen,) = moments_of(nn.Conv2d(4, 6, kernel, *geometry, groups), inputs, graph_of)
    assert seen.mean.shape == (groups, 4 // groups * kernel[0] * kernel[1])
    assert_moments(seen, patches(torch.cat(inputs).numpy(), *how))


def test_same_padding(graph_of):
    module, x = nn.Conv2d(4, 6, (5, 3), padding="same", dilation=(1, 2)), torch.randn(2, 4, 8, 7)
    (seen,) = moments_of(module, [x], graph_of)
    assert_moments(seen, patches(x.numpy(), (5, 3), (1, 1), (2, 2), (1, 2), 1))


def test_readers_of_one_tensor_and_of_each_other(graph_of):
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.c = nn.Linear(4, 3), nn.Linear(4, 3), nn.Linear(3, 2)

        def forward(self, x):
            x = 2 * x
            return self.c(torch.relu(self.a(x)) - self.b(x))

    module, inputs = Two(), [torch.randn(5, 4) for _ in range(3)]
    a, b, c = moments_of(module, inputs, graph_of)
    x = 2 * torch.cat(inputs)
    with torch.no_grad():
        between = (module.a(x).relu() - module.b(x)).numpy()
    for seen in (a, b):
        assert_moments(seen, x.numpy()[None])
    assert_moments(c, between[None])


def test_small_variance_far_from_zero(graph_of):
    """float32 holds a deviation of 0.01 around 100 to 4e-6, and so should the moments."""
    inputs = [100 + 0.01 * torch.randn(200, 6) for _ in range(3)]
    (seen,) = moments_of(nn.Linear(6, 3), inputs, graph_of)
    assert_moments(seen, torch.cat(inputs).numpy()[None])


@pytest.mark.parametrize("shape", [(50, 6), (1, 6, 9, 9)])
def test_covariance_of_constants_is_not_negative(shape, graph_of):
    module = nn.Linear(6, 3) if len(shape) == 2 else nn.Conv2d(6, 3, 3)
    (seen,) = moments_of(module, [torch.full(shape, 0.1)], graph_of)
    assert float(torch.linalg.eigvalsh(seen.covariance).min()) > -1e-15


class Branches(nn.Module):
    """Two linears and two convolutions that read the same rows, and one that does not."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key = nn.Linear(6, 3), nn.Linear(6, 4)
        self.narrow, self.wide = nn.Conv2d(2, 3, 3, padding=1), nn.Conv2d(2, 5, 3, padding=1)
        self.apart = nn.Conv2d(2, 3, 3)

    def forward(self, x):
        parts = (self.query(x), self.key(x), self.narrow(x), self.wide(x), self.apart(x))
        return torch.cat([part.flatten(1) for part in parts], 1)


def test_layers_that_read_the_same_rows_share_their_moments(graph_of):
    inputs = [torch.randn(1, 2, 5, 6) * (i + 1) for i in range(3)]
    query, key, narrow, wide, apart = moments_of(Branches(), inputs, graph_of)
    assert query is key and narrow is wide
    assert_moments(key, torch.cat([x.reshape(1, -1, 6) for x in inputs], 1).numpy())
    geometry = ((3, 3), (1, 1), (1, 1), (1, 1), 1)
    assert_moments(wide, np.concatenate([patches(x.numpy(), *geometry) for x in inputs], 1))
    geometry = ((3, 3), (1, 1), (0, 0), (1, 1), 1)
    assert_moments(apart, np.concatenate([patches(x.numpy(), *geometry) for x in inputs], 1))


def test_values_in_bfloat16(graph_of):
    class Narrow(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(6, 3).bfloat16()

        def forward(self, x):
            return self.linear(x.bfloat16()).float()

    inputs = [torch.randn(7, 6) for _ in range(3)]
    (seen,) = moments_of(Narrow(), inputs, graph_of)
    assert_moments(seen, torch.cat(inputs).bfloat16().float().numpy()[None])


def test_moments_that_are_read_once_are_deleted():
    first, second = (Moments(torch.ones(1, 2) * n, torch.ones(1, 2, 2)) for n in range(2))
    moments = ReadOnce({"a": lambda: first, "b": lambda: second})
    assert moments["a"] is first
    assert list(moments) == ["b"]
    with pytest.raises(KeyError):
        moments["a"]
