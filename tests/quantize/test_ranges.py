import numpy as np
import pytest
import torch
from torch import nn

from hvit_edge.errors import InputError
from hvit_edge.lowering import export_graph
from hvit_edge.quantize.histogram import BINS, Histogram
from hvit_edge.quantize.layers import find_layers
from hvit_edge.quantize.ranges import Range, choose_range, observe, visit


def histogram(values: torch.Tensor) -> Histogram:
    low, high = float(values.min()), float(values.max())
    return Histogram(low, high, torch.histc(values, BINS, low, high).double())


def error(chosen: Range, values: torch.Tensor, function=lambda x: x) -> float:
    steps = np.clip(np.rint(values.numpy() / chosen.scale) + chosen.zero_point, -128, 127)
    rounded = torch.from_numpy(chosen.scale * (steps - chosen.zero_point))
    return float(((function(values.double()) - function(rounded)) ** 2).mean())


@pytest.mark.parametrize("low, high", [(-1.0, 3.0), (2.0, 3.0), (-3.0, -2.0), (0.0, 0.0)])
def test_zero_is_always_exact(low, high):
    chosen = Range.spanning(low, high)
    assert -128 <= chosen.zero_point <= 127
    assert chosen.scale > 0
    assert chosen.scale * (127 - chosen.zero_point) >= high * 0.99
    assert chosen.scale * (-128 - chosen.zero_point) <= low * 0.99


def test_one_outlier_does_not_cost_the_rest():
    values = torch.cat([torch.randn(200_000), torch.tensor([100.0])])
    seen = histogram(values)
    widest = choose_range(seen, methods=("minmax",))
    percentile = choose_range(seen, methods=("minmax", "percentile"))
    best = choose_range(seen)
    assert widest.scale == pytest.approx((100 - float(values.min())) / 255)
    assert error(best, values) <= error(percentile, values) * 1.01
    assert error(best, values) < 0.9 * error(widest, values)


def test_what_silu_flattens_needs_no_resolution():
    values = torch.cat([torch.linspace(-60, -10, 50_000), torch.randn(50_000)])
    seen, silu = histogram(values), nn.functional.silu
    plain, after = choose_range(seen), choose_range(seen, silu)
    assert error(after, values, silu) < 0.1 * error(plain, values, silu)


def test_observes_the_whole_range_and_counts_every_value(graph_of):
    graph = graph_of(nn.Linear(4, 3), torch.randn(2, 4))
    (layer,) = find_layers(graph)
    inputs = [(torch.randn(2, 4),) for _ in range(5)]
    seen = observe(graph, [layer.source, layer.output], inputs)
    everything = torch.cat([x for (x,) in inputs])
    assert seen[layer.source].low == float(everything.min())
    assert seen[layer.source].high == float(everything.max())
    assert seen[layer.source].counts.sum() == everything.numel()
    assert seen[layer.output].counts.sum() == 5 * 2 * 3


def test_constant_activation():
    assert choose_range(Histogram(2.0, 2.0, torch.zeros(BINS))) == Range.spanning(0.0, 2.0)


def test_runs_the_network_once_for_each_input(graph_of):
    passes = []

    def progress(items, total):
        passes.append(total)
        return items

    graph = graph_of(nn.Linear(4, 3), torch.randn(2, 4))
    (layer,) = find_layers(graph)
    observe(graph, [layer.source], [(torch.randn(2, 4),) for _ in range(5)], progress)
    assert passes == [5]


def test_values_do_not_depend_on_the_memory_format_of_photos():
    class Strided(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.linear = nn.Conv2d(3, 4, 3), nn.Linear(5, 2)

        def forward(self, x):
            return self.linear(torch.as_strided(self.conv(x), (2, 5), (5, 1)))

    module, x = Strided().eval(), torch.randn(1, 3, 6, 6)
    graph, seen = export_graph(module, (x,)), []
    (layer,) = (layer for layer in find_layers(graph) if layer.is_linear)
    visit(graph, {layer.source}, [(x,)], lambda node, value: seen.append(value))
    assert torch.allclose(seen[0], module.conv(x).flatten()[:10].reshape(2, 5), atol=1e-6)


@pytest.mark.parametrize("wrong", [float("inf"), float("nan")])
def test_refuses_values_that_are_not_finite(wrong, graph_of):
    graph = graph_of(nn.Linear(4, 3), torch.randn(2, 4))
    (layer,) = find_layers(graph)
    with pytest.raises(InputError, match=r"expected finite values .* got infinity or NaN"):
        observe(graph, [layer.source], [(torch.tensor([[0.0, 1, 2, wrong]] * 2),)])
