import pytest
import torch
from torch import nn
from torch.nn import functional as F

from hvit_edge.lowering import export_graph
from hvit_edge.lowering.graph import aten, cleanup, nodes_calling, shape_of
from hvit_edge.lowering.pool_before_projection import pool_before_projection

X = torch.randn(1, 6, 8, 12)


class Pooled(nn.Module):
    """Applies a function to the output of a convolution."""

    def __init__(self, then, **convolution) -> None:
        super().__init__()
        given = {"kernel_size": 1, **convolution}
        self.conv, self.then = nn.Conv2d(6, 10, **given), then

    def forward(self, x: torch.Tensor) -> object:
        return self.then(self.conv(x))


POOLS = {
    "square": lambda y: F.avg_pool2d(y, 4),
    "oblong": lambda y: F.avg_pool2d(y, (2, 3)),
    "overlapping": lambda y: F.avg_pool2d(y, 3, stride=1),
    "windows that leave a rest": lambda y: F.avg_pool2d(y, 5),
}
NEAR_MISSES = {
    "used beside the pool": (lambda y: (F.avg_pool2d(y, 2), y + 1), {}),
    "activation between": (lambda y: F.avg_pool2d(y.relu(), 2), {}),
    "pool with padding": (lambda y: F.avg_pool2d(y, 2, padding=1), {}),
    "windows over the edge": (lambda y: F.avg_pool2d(y, 5, ceil_mode=True), {}),
    "another divisor": (lambda y: F.avg_pool2d(y, 2, divisor_override=3), {}),
    "wide kernel": (lambda y: F.avg_pool2d(y, 2), {"kernel_size": 3, "padding": 1}),
    "stride": (lambda y: F.avg_pool2d(y, 2), {"stride": 2}),
    "groups": (lambda y: F.avg_pool2d(y, 2), {"groups": 2}),
}


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("name", POOLS)
def test_pool_comes_first(name, bias, rewritten):
    after = rewritten(pool_before_projection, Pooled(POOLS[name], bias=bias), X)
    assert (after["avg_pool2d"], after["conv2d"]) == (1, 1)


def test_convolution_has_the_pixels_of_the_pool():
    graph = export_graph(Pooled(POOLS["square"]).eval(), (X,))
    assert pool_before_projection(graph)
    cleanup(graph)
    (convolution,) = nodes_calling(graph, aten.conv2d.default)
    assert shape_of(convolution) == [1, 10, 2, 3]


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_near_miss_stays(name, untouched):
    then, convolution = NEAR_MISSES[name]
    untouched(pool_before_projection, Pooled(then, **convolution), X)
