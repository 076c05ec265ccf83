"""Programs in float16, against float64: operations of odd sizes and of whole vectors."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import gelu, scaled_dot_product_attention

from hvit_edge.errors import LoweringError
from hvit_edge.targets.native.values import Number

HALF = 2e-3  # of the largest output: a few roundings to 11 bits, sums in order


def attention(x):
    q, k, v = x.reshape(3, 2, 21, 24).unbind(0)
    return scaled_dot_product_attention(q[None], k[None], v[None])


def inverted(x, expand, depthwise, project):
    return project(nn.functional.silu(depthwise(nn.functional.silu(expand(x)))))


CASES = {
    "linear": ("Linear", (1, 7, 33), lambda x, layer: layer(x), [nn.Linear(33, 21)]),
    "linear of vectors": ("Linear", (1, 17, 64), lambda x, layer: layer(x), [nn.Linear(64, 48)]),
    "silu": ("Linear", (1, 5, 16), lambda x, layer: nn.SiLU()(layer(x)), [nn.Linear(16, 40)]),
    "gelu": ("Linear", (1, 5, 16), lambda x, layer: gelu(layer(x)), [nn.Linear(16, 40)]),
    "sum": ("Linear", (1, 5, 32), lambda x, layer: x + layer(x), [nn.Linear(32, 32)]),
    "planes": ("Linear", (1, 3, 16, 20), lambda x, layer: layer(x), [nn.Conv2d(3, 16, 3, 2, 1)]),
    "map": ("Convolution", (1, 16, 9, 7), lambda x, layer: layer(x), [nn.Conv2d(16, 24, 3, 1, 1)]),
    "depthwise": (
        "Depthwise",
        (1, 24, 13, 21),
        lambda x, layer: nn.SiLU()(layer(x)),
        [nn.Conv2d(24, 24, 3, 1, 1, groups=24)],
    ),
    "strided depthwise": (
        "Depthwise",
        (1, 20, 13, 37),
        lambda x, layer: nn.functional.relu(layer(x)),
        [nn.Conv2d(20, 20, 3, 2, 1, groups=20)],
    ),
    "inverted residual": (
        "InvertedResidual",
        (1, 16, 9, 20),
        inverted,
        [nn.Conv2d(16, 40, 1), nn.Conv2d(40, 40, 3, 1, 1, groups=40), nn.Conv2d(40, 12, 1)],
    ),
    "norm": ("LayerNorm", (1, 9, 30), lambda x, layer: layer(x), [nn.LayerNorm(30)]),
    "attention": ("Attention", (1, 3 * 2 * 21 * 24), attention, []),
    "largest": ("Pooling", (1, 12, 8, 9), lambda x: nn.functional.max_pool2d(x, 3, 2, 1), []),
    "average": ("Pooling", (1, 16, 8, 8), lambda x: nn.functional.avg_pool2d(x, 2), []),
    "mean": ("Mean", (1, 9, 20), lambda x: x.mean(1), []),
    "difference": ("Add", (1, 9, 20), lambda x: x[:, :4] - 0.5 * x[:, 5:], []),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_an_operation(name, run_native, call):
    kind, shape, function, layers = CASES[name]
    names = ("layer",) if len(layers) == 1 else ("expand", "depthwise", "project")
    module = call(function, **dict(zip(names, layers, strict=False)))
    ran = run_native(module, torch.randn(shape), Number.FLOAT16)
    assert kind in ran.kinds
    assert ran.error < HALF
    assert np.array_equal(ran.output, ran.output.astype(np.float16))


@pytest.mark.parametrize("activation", [nn.SiLU(), nn.GELU(), nn.ReLU()])
def test_an_activation_far_from_zero(activation, run_native, call):
    x = torch.tensor([[-6e4, -300.0, -20.0, -9.5, -1e-3, 0.0, 2e-3, 9.5, 20.0, 300.0, 6e4] * 3])
    ran = run_native(
        call(lambda x, activation: activation(x), activation=activation), x, Number.FLOAT16
    )
    assert np.isfinite(ran.output).all()
    steps = np.maximum(np.abs(ran.expected), 1) * 2e-3
    assert (np.abs(ran.output - ran.expected) < steps).all()


def test_a_norm_of_large_values(run_native):
    """Their squares are beyond float16."""
    ran = run_native(nn.LayerNorm(24), 3000 + 500 * torch.randn(1, 5, 24), Number.FLOAT16)
    assert ran.error < 2 * HALF


def test_attention_to_few(run_native, call):
    """Few keys have all the weight, and most have none that float16 holds."""

    def forward(x):
        q, k, v = x.reshape(3, 2, 21, 24).unbind(0)
        return scaled_dot_product_attention(9 * q[None], 3 * k[None], v[None])

    ran = run_native(call(forward), torch.randn(1, 3 * 2 * 21 * 24), Number.FLOAT16)
    assert ran.error < 1e-2  # scores of up to 100 come in steps of 1/16


def test_many_equal_keys_do_not_overflow(run_native, call):
    """Sums of 1,000 weights of one times values of 200 would be infinite in float16."""

    def forward(x):
        tokens = x.reshape(1, 1, 1000, 8)
        same = 0.0 * tokens
        return scaled_dot_product_attention(same, same, 200 * tokens)

    ran = run_native(call(forward), 1 + 0.1 * torch.randn(1, 8000), Number.FLOAT16)
    assert ran.error < HALF


def test_weights_that_float16_does_not_hold_are_refused(lowered):
    layer = nn.Linear(4, 3)
    layer.weight.data[0, 0] = 1e6
    with pytest.raises(LoweringError, match=r"constants that float16 holds, got 1e\+06"):
        lowered(layer, torch.randn(1, 2, 4), Number.FLOAT16)
