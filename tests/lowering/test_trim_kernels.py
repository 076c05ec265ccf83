import pytest
import torch
from torch import nn

from hvit_edge.lowering import export_graph
from hvit_edge.lowering.graph import aten, constant_tensor, nodes_calling
from hvit_edge.lowering.trim_kernels import trim_kernels


def kernel_after(module, image):
    """The shape of the kernel, padding and dilation that are left."""
    graph = export_graph(module.eval(), (image,))
    trim_kernels(graph)
    (node,) = nodes_calling(graph, aten.conv2d.default)
    return (*constant_tensor(graph, node.args[1]).shape[2:],), *node.args[4:6]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("groups", [1, 2])
def test_taps_in_the_padding_are_removed(bias, groups, rewritten):
    module = nn.Conv2d(4, 6, 3, padding=18, dilation=18, bias=bias, groups=groups)
    image = torch.randn(1, 4, 16, 16)
    assert rewritten(trim_kernels, module, image) == {"conv2d": 1}
    assert kernel_after(module.float(), image) == ((1, 1), [0, 0], [1, 1])


def test_each_side_has_its_own_taps(rewritten):
    module = nn.Conv2d(4, 6, 3, padding=18, dilation=18)
    image = torch.randn(1, 4, 19, 18)
    assert rewritten(trim_kernels, module, image) == {"conv2d": 1}
    assert kernel_after(module.float(), image) == ((3, 1), [18, 0], [18, 1])


def test_several_taps_and_strides(rewritten):
    module = nn.Conv2d(2, 3, 7, padding=12, dilation=4, stride=2)
    image = torch.randn(1, 2, 6, 8)
    assert rewritten(trim_kernels, module, image) == {"conv2d": 1}
    assert kernel_after(module.float(), image) == ((3, 3), [4, 4], [4, 4])


@pytest.mark.parametrize(
    "module",
    [
        nn.Conv2d(4, 6, 3, padding=16, dilation=16),  # a map of 17 has one row for the tap
        nn.Conv2d(4, 6, 3, padding=20, dilation=18),  # the last output reads a row of the map
        nn.Conv2d(4, 6, 2, padding=18, dilation=18),  # a tap at the beginning only
        nn.Conv2d(4, 6, 3, padding=1),
        nn.Conv2d(4, 6, 3, padding="same", dilation=18),
    ],
)
def test_taps_that_read_the_map_stay(module, untouched):
    untouched(trim_kernels, module, torch.randn(1, 4, 17, 17))


class Computed(nn.Module):
    """The weights are computed."""

    def forward(self, x):
        return nn.functional.conv2d(x, x[:, :, :3, :3], padding=18, dilation=18)


def test_computed_weights_stay(untouched):
    untouched(trim_kernels, Computed(), torch.randn(1, 4, 16, 16))
