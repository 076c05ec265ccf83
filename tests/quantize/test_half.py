import numpy as np
import pytest
import torch
from torch import nn

from hvit_edge.quantize import quantize, sqnr
from hvit_edge.quantize.half import float32_island
from hvit_edge.targets.executorch import executorch_step
from hvit_edge.targets.xnnpack.lower import lower

NORMS = {
    "layer": (nn.LayerNorm(16, bias=False), (1, 6, 16)),
    "group": (nn.GroupNorm(1, 16), (1, 16, 6, 5)),
    "groups": (nn.GroupNorm(2, 16), (1, 16, 6, 5)),
    "instance": (nn.InstanceNorm2d(16), (1, 16, 6, 5)),
}


@pytest.mark.parametrize("name", NORMS)
def test_variance_beyond_half_precision(name, graph_of):
    """Activations of a thousand, whose squares are no float16: the norm must not overflow."""
    norm, x = NORMS[name][0].eval(), 1000 * torch.randn(NORMS[name][1])
    assert torch.isinf(x.half() ** 2).any()
    graph = graph_of(norm, x)
    lowered = lower(quantize(graph, (x,), precision="fp16"), (x,))
    assert (lowered.delegates, lowered.ops_outside) == (1, [])
    got = executorch_step(lowered.serialize())(x.numpy())
    assert sqnr(norm(x).detach().numpy(), got) > 50


def test_island_holds_the_norm_alone(graph_of):
    module = nn.Sequential(nn.Linear(8, 8), nn.LayerNorm(8), nn.Linear(8, 8))
    graph = graph_of(module, torch.randn(2, 8))
    names = sorted(str(node.target).split(".")[1] for node in float32_island(graph))
    assert names.count("linear") == 2
    assert "rsqrt" in names


def test_weights_are_half_and_border_is_float(graph_of):
    module, x = nn.Sequential(nn.Linear(8, 8), nn.SiLU()), torch.randn(2, 8)
    graph = quantize(graph_of(module, x), (x,), precision="fp16")
    assert {buffer.dtype for buffer in graph.buffers()} == {torch.float16}
    got = graph(x)
    assert got.dtype == torch.float32
    assert np.abs(got.detach() - module(x).detach()).max() < 2e-3  # 2^-10 of values about one


def test_constant_beyond_half_precision_stays_finite(graph_of):
    class Masked(nn.Module):
        def forward(self, x):
            return torch.softmax(x + torch.tensor([0.0, -1e9]), -1)

    x = torch.randn(1, 2)
    graph = quantize(graph_of(Masked(), x), (x,), precision="fp16")
    assert torch.equal(graph(x), torch.tensor([[1.0, 0.0]]))


def test_glu_stays_in_the_delegate(graph_of):
    """ExecuTorch would compute it in float32, between casts that the delegate does not take."""
    module, x = nn.Sequential(nn.Linear(6, 8), nn.GLU(), nn.Linear(4, 3)), torch.randn(2, 5, 6)
    lowered = lower(quantize(graph_of(module, x), (x,), precision="fp16"), (x,))
    assert (lowered.delegates, lowered.ops_outside) == (1, [])
    got = executorch_step(lowered.serialize())(x.numpy())
    assert sqnr(module(x).detach().numpy(), got) > 50
