"""Dynamic int8 against the same arithmetic written out in numpy, and the layers that it takes."""

import numpy as np
import torch
from torch import nn

from hvit_edge.parity.steps import executorch_step
from hvit_edge.quantize import quantize
from hvit_edge.quantize.dynamic import is_dynamic
from hvit_edge.quantize.layers import find_layers
from hvit_edge.targets.xnnpack import lower


def test_each_row_has_a_range_of_its_own(graph_of):
    module = nn.Linear(16, 8, bias=False)
    x = torch.randn(4, 16) * torch.tensor([[1e-3], [1.0], [1e3], [1e6]])
    graph = quantize(graph_of(module, x), (x,), precision="int8-dynamic")
    expected = (x @ module.weight.T).detach().numpy()
    error = np.abs(graph(x).detach().numpy() - expected).max(1) / np.abs(expected).max(1)
    assert error.max() < 0.03


def test_empty_and_constant_rows_are_finite(graph_of):
    module, x = nn.Linear(16, 8), torch.randn(3, 16)
    lowered = lower(quantize(graph_of(module, x), (x,), precision="int8-dynamic"), (x,))
    run = executorch_step(lowered.serialize())
    x[0], x[1] = 0.0, 5.0
    with torch.inference_mode():
        assert np.abs(run(x.numpy()) - module(x).numpy()).max() < 0.1


def test_three_readers_of_one_tensor_stay_in_one_delegate(graph_of):
    class Three(nn.Module):
        def __init__(self):
            super().__init__()
            self.q, self.k, self.v = (nn.Linear(8, 8) for _ in range(3))

        def forward(self, x):
            x = x * 2
            return torch.softmax(self.q(x) @ self.k(x).transpose(1, 2), -1) @ self.v(x)

    x = torch.randn(2, 5, 8)
    lowered = lower(quantize(graph_of(Three(), x), (x,), precision="int8-dynamic"), (x,))
    assert (lowered.delegates, lowered.ops_outside) == (1, [])
    executorch_step(lowered.serialize())(x.numpy())


def test_depthwise_and_permuted_convolutions_are_not_taken(graph_of):
    class Convolutions(nn.Module):
        def __init__(self):
            super().__init__()
            self.plain, self.depthwise = nn.Conv2d(4, 4, 3), nn.Conv2d(4, 4, 3, groups=4)
            self.permuted = nn.Conv2d(4, 2, 1)

        def forward(self, x):
            x = self.depthwise(self.plain(x))
            return self.permuted((x * 2).permute(0, 1, 3, 2))

    graph = graph_of(Convolutions(), torch.randn(1, 4, 8, 8))
    assert [is_dynamic(layer) for layer in find_layers(graph)] == [True, False, False]
