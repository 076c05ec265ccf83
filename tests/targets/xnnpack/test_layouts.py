"""Chains of operators whose axes ExecuTorch could read in another layout than PyTorch has.

ExecuTorch keeps maps channels last; an operator over an axis that is lowered without regard to that
gives other numbers, and says nothing. Sizes differ from axis to axis, so that no wrong axis fits.
"""

import itertools

import pytest
import torch
import torch.nn.functional as F
from executorch.runtime import Runtime
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from torch import nn

from hvit_edge.lowering import export_graph, rewrite
from hvit_edge.targets.xnnpack import lower as xnnpack

RTOL = 1e-5  # float32, XNNPACK's order of summation
X = torch.randn(1, 3, 5, 6, generator=torch.Generator().manual_seed(0))

PRODUCERS = {
    "map": lambda net, x: net.conv(x),
    "activated map": lambda net, x: F.relu(net.conv(x)),
    "permuted map": lambda net, x: net.conv(x).permute(0, 2, 3, 1),
    "turned map": lambda net, x: net.conv(x).transpose(2, 3),
    "tokens as a map": lambda net, x: net.project(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2),
    "pooled map": lambda net, x: F.max_pool2d(net.conv(x), 3, 1, 1),
    "resized map": lambda net, x: F.interpolate(net.conv(x), size=(7, 8), mode="bilinear"),
    "two images": lambda net, x: net.conv(x).reshape(2, 2, 5, 6),
}
OVER_AN_AXIS = {
    "softmax": lambda y, d: y.softmax(d),
    "cat": lambda y, d: torch.cat([y, y * 2], d),
    "slice": lambda y, d: y.narrow(d, y.shape[d] // 2, y.shape[d] - y.shape[d] // 2),
    "swapped halves": lambda y, d: torch.cat([*y.split((y.shape[d] + 1) // 2, d)][::-1], d),
    "roll": lambda y, d: y.roll(1, d),
    "pad": lambda y, d: F.pad(y, [0, 0] * (3 - d) + [1, 2]),
    "select": lambda y, d: y.select(d, -1),
    "unsqueeze": lambda y, d: (y.unsqueeze(d) + 1).squeeze(d),
    "row": lambda y, d: y + torch.arange(1.0, y.shape[d] + 1).reshape([-1] + [1] * (3 - d)),
    "rows": lambda y, d: y * torch.linspace(1, 2, y.shape[d:].numel()).reshape(y.shape[d:]),
    "swap": lambda y, d: y.transpose(d, (d + 1) % 4),
    "flatten": lambda y, d: y.flatten(min(d, 2), 3),
    "max": lambda y, d: y.transpose(d, 2).amax((2, 3)),
}
OF_MAPS = {
    "layer norm": lambda y: F.layer_norm(y, y.shape[-1:]),
    "batch norm": lambda y: F.batch_norm(y, RUNNING[: y.shape[1]], RUNNING[: y.shape[1]]),
    "plane mean": lambda y: y - y.mean((2, 3), keepdim=True),
    "gate": lambda y: y * F.adaptive_avg_pool2d(y, 1).sigmoid(),
    "maximum": lambda y: y * F.adaptive_max_pool2d(y, 1),
    "product": lambda y: y.flatten(0, 1) @ y.flatten(0, 1).transpose(1, 2),
    "nearest": lambda y: F.interpolate(y, scale_factor=2),
    "prelu": lambda y: F.prelu(y, RUNNING[: y.shape[1]]),
    "leaky": lambda y: F.leaky_relu(y, 0.3),
    "numbers": lambda y: (1 - y * 2) / 3,
    "six ranks": lambda y: y.reshape(*y.shape[:3], -1, 1, 1).permute(0, 4, 2, 5, 1, 3),
}
RUNNING = torch.linspace(0.5, 2, 32)
CONSUMERS = {
    "output": lambda y, z: y,
    "softmax": lambda y, z: y.softmax(-1),
    "linear": lambda y, z: F.linear(y, torch.linspace(-1, 1, 3 * y.shape[-1]).reshape(3, -1)),
    "square": lambda y, z: y * y.sigmoid(),
    "source": lambda y, z: y * z if y.shape == z.shape else y + 1,
    "convolution": lambda y, z: F.conv2d(y, _kernel(y.shape[1])) if y.dim() == 4 else y + 1,
}


def _kernel(channels: int) -> torch.Tensor:
    return torch.linspace(-1, 1, 2 * channels).reshape(2, channels, 1, 1)


OPERATORS = {
    f"{name} {dim}": lambda y, f=f, dim=dim: f(y, dim)
    for (name, f), dim in itertools.product(OVER_AN_AXIS.items(), range(4))
} | OF_MAPS


class Chains(nn.Module):
    """Independent chains: one lowering tests them all."""

    def __init__(self, chains: list[tuple[str, str, str]]) -> None:
        super().__init__()
        self.chains = chains
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.project = nn.Linear(3, 4)

    def forward(self, x):
        results = []
        for producer, operator, consumer in self.chains:
            source = PRODUCERS[producer](self, x)
            results.append(CONSUMERS[consumer](OPERATORS[operator](source), source))
        return results


def check(chains: list[tuple[str, str, str]]) -> xnnpack.Lowered:
    """Lower `chains`, and compare what each gives with eager PyTorch; returns what was lowered."""
    torch.manual_seed(1)
    module = Chains(chains).eval()
    graph = export_graph(module, (X,))
    rewrite(graph)
    lowered = xnnpack.lower(graph, (X,))
    program = Runtime.get().load_program(lowered.serialize())
    method = program.load_method("forward")
    actual = [result.clone() for result in method.execute([X])]
    with torch.inference_mode():
        expected = module(X)
    for chain, want, got in zip(chains, expected, actual, strict=True):
        assert got.shape == want.shape, chain
        assert (got - want).abs().max() <= RTOL * want.abs().max(), chain
    return lowered


def test_softmax_of_every_producer_and_over_every_axis():
    axes = [*((producer, 3) for producer in PRODUCERS), *(("map", dim) for dim in range(3))]
    lowered = check([(producer, f"softmax {dim}", "output") for producer, dim in axes])
    assert (lowered.delegates, lowered.ops_outside) == (1, [])


@pytest.mark.parametrize("dim", range(4))
def test_every_operator_over_an_axis_of_a_map(dim):
    lowered = check([("map", f"{name} {dim}", "source") for name in OVER_AN_AXIS])
    assert lowered.ops_outside == []


def test_every_operator_of_a_map():
    assert check([("map", name, "softmax") for name in OF_MAPS]).ops_outside == []


CHAINS = st.lists(
    st.tuples(*(st.sampled_from(list(table)) for table in (PRODUCERS, OPERATORS, CONSUMERS))),
    min_size=10,
    max_size=10,
    unique=True,
)


@settings(
    max_examples=2,
    derandomize=True,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(CHAINS)
def test_chains_at_random(chains):
    check(chains)
