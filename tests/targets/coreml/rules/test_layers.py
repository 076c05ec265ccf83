import pytest
import torch
from torch import nn
from torch.nn import functional as F

from hvit_edge.errors import LoweringError

IMAGE = torch.randn(1, 4, 9, 6, generator=torch.Generator().manual_seed(0))

CONVOLUTIONS = {
    "one pixel": {"kernel_size": 1},
    "no bias": {"kernel_size": 3, "bias": False},
    "strides": {"kernel_size": 3, "stride": (2, 3), "padding": 1},
    "padding": {"kernel_size": (3, 1), "padding": (2, 1)},
    "dilation": {"kernel_size": 3, "padding": 2, "dilation": (2, 1)},
    "groups": {"kernel_size": 3, "groups": 2},
    "depthwise": {"kernel_size": 3, "padding": 1, "groups": 4},
    "patches": {"kernel_size": (3, 2), "stride": (3, 2)},
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolution(name, agrees):
    module = nn.Sequential(nn.Conv2d(4, 8, **CONVOLUTIONS[name]), nn.Flatten())
    assert agrees(module, IMAGE) == {"conv": 1, "reshape": 1}


def test_convolution_with_batch_norm(stirred, agrees):
    module = nn.Sequential(nn.Conv2d(4, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.Flatten())
    assert agrees(stirred(module), IMAGE) == {"conv": 1, "reshape": 1}


def test_convolution_of_tokens(call, agrees):
    """Tokens turn into a map again before a convolution reads them."""
    weight, bias = torch.randn(5, 4, 3, 3), torch.randn(5)

    def forward(image, weight, bias):
        tokens = F.layer_norm(image.reshape(1, 54, 4), (4,))
        return F.conv2d(tokens.transpose(1, 2).reshape(1, 4, 9, 6), weight, bias, padding=1)

    agrees(call(forward, weight, bias), IMAGE)


LINEARS = {
    "features": lambda x: x.mean((2, 3)),
    "one vector": lambda x: x.mean((0, 2, 3)),
    "tokens of a map": lambda x: x.flatten(2).transpose(1, 2),
    "tokens": lambda x: x.reshape(1, 54, 4),
    "channels last": lambda x: x.permute(0, 2, 3, 1),
    "columns": lambda x: x.reshape(9, 6, 4).transpose(0, 1),
    "rank 5": lambda x: x.reshape(1, 3, 3, 6, 4).transpose(1, 3),
}


@pytest.mark.parametrize("outputs", [1, 7])
@pytest.mark.parametrize("name", LINEARS)
def test_linear(name, outputs, call, agrees):
    weight, bias = torch.randn(outputs, 4), torch.randn(outputs)
    module = call(lambda x, w, b: F.linear(LINEARS[name](x), w, b), weight, bias)
    count = agrees(module, IMAGE)
    assert (count["conv"], count["linear"]) == (1, 0)


def test_linear_of_one_channel_without_bias(call, agrees):
    module = call(lambda x, w: F.linear(x.flatten()[:, None], w), torch.randn(3, 1))
    agrees(module, IMAGE)


def test_linears_on_a_map_move_nothing(agrees):
    class Perceptron(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(4, 8), nn.Linear(8, 3)

        def forward(self, x):
            tokens = self.first(x.flatten(2).transpose(1, 2))
            x = self.second(F.gelu(tokens)).transpose(1, 2).reshape(1, 3, 9, 6)
            return x.flatten(1)

    assert agrees(Perceptron(), IMAGE) == {"conv": 2, "gelu": 1, "reshape": 1}


NORMS = {
    "tokens of a map": (lambda x: x.flatten(2).transpose(1, 2), (4,)),
    "tokens": (lambda x: x.reshape(1, 54, 4), (4,)),
    "channels last": (lambda x: x.permute(0, 2, 3, 1), (4,)),
    "rank 5": (lambda x: x.reshape(1, 3, 3, 6, 4).transpose(1, 3), (4,)),
    "rows": (lambda x: x.transpose(2, 3), (9,)),
    "two dimensions": (lambda x: x.permute(0, 2, 3, 1), (6, 4)),
    "three dimensions": (lambda x: x.transpose(2, 3), (4, 6, 9)),
}


@pytest.mark.parametrize("affine", ["plain", "scaled", "shifted"])
@pytest.mark.parametrize("name", NORMS)
def test_layer_norm(name, affine, call, agrees):
    view, shape = NORMS[name]
    constants = [torch.rand(shape) + 0.5, torch.randn(shape)]
    constants = constants[: ["plain", "scaled", "shifted"].index(affine)]
    module = call(lambda x, *c: F.layer_norm(view(x), shape, *c, eps=0.3), *constants)
    assert agrees(module, IMAGE)["layer_norm"] == 1


POOLS = {
    "kernel alone": (2,),
    "strides": ((3, 2), (2, 3)),
    "overlap": (3, 2, 1),
    "padding along one side": ((2, 3), 2, (0, 1)),
}


@pytest.mark.parametrize("ceil", [False, True], ids=["floor", "ceil"])
@pytest.mark.parametrize("name", POOLS)
def test_max_pool(name, ceil, call, agrees):
    module = call(lambda x: F.max_pool2d(x, *POOLS[name], ceil_mode=ceil))
    assert agrees(module, IMAGE - 5) == {"max_pool": 1, "reshape": 1}


@pytest.mark.parametrize("counted", [False, True], ids=["inside", "padding counts"])
@pytest.mark.parametrize("ceil", [False, True], ids=["floor", "ceil"])
@pytest.mark.parametrize("name", POOLS)
def test_average_pool(name, ceil, counted, call, agrees):
    pool = nn.AvgPool2d(*POOLS[name], ceil_mode=ceil, count_include_pad=counted)
    assert agrees(call(lambda x: pool(x)), IMAGE) == {"avg_pool": 1, "reshape": 1}


RESIZES = {
    "nearest": ({"scale_factor": 2}, "upsample_nearest_neighbor"),
    "nearest to a size": ({"size": (27, 12)}, "upsample_nearest_neighbor"),
    "nearest along one side": ({"size": (9, 18)}, "upsample_nearest_neighbor"),
    "bilinear": ({"scale_factor": 2, "mode": "bilinear"}, "resize_bilinear"),
    "bilinear by parts": ({"scale_factor": (1 / 3, 1.5), "mode": "bilinear"}, "resize_bilinear"),
    "bilinear to a size": ({"size": (13, 4), "mode": "bilinear"}, "resize_bilinear"),
    "bilinear with corners": (
        {"size": (13, 4), "mode": "bilinear", "align_corners": True},
        "resize_bilinear",
    ),
    "bilinear with corners by a scale": (
        {"scale_factor": (1.3, 1.2), "mode": "bilinear", "align_corners": True},
        "resize_bilinear",
    ),
}


@pytest.mark.parametrize("name", RESIZES)
def test_resize(name, call, agrees):
    options, operator = RESIZES[name]
    count = agrees(call(lambda x: F.interpolate(x, **options)), IMAGE)
    assert count == {operator: 1, "reshape": 1}


def test_resize_of_tokens(call, agrees):
    def forward(x):
        tokens = F.layer_norm(x.reshape(1, 54, 4), (4,)).transpose(1, 2)
        return F.interpolate(tokens.reshape(1, 4, 9, 6), scale_factor=2)

    agrees(call(forward), IMAGE)


REFUSED = {
    "computed bias": (
        lambda x: F.conv2d(x, torch.ones(4, 4, 1, 1), x[0, :, 0, 0]),
        "constant bias",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name, call, translation):
    function, reason = REFUSED[name]
    with pytest.raises(LoweringError, match=reason):
        translation(call(function), IMAGE)


def test_weights_that_other_operators_rearranged(call, agrees):
    """A constant that an addition turned must still be a weight in PyTorch's order."""

    def forward(x, first, both):
        tokens = F.linear(x.flatten(2)[:, :, :4], first)
        return F.linear(tokens * both, both)

    agrees(call(forward, torch.randn(4, 4), torch.randn(4, 4)), IMAGE)
