"""Strides of constants, examples and channels-last modules for every target."""

import pytest
import torch
from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
from torch import nn

from hvit_edge.lowering import export_graph, rewrite
from hvit_edge.lowering.graph import Editor, constant_tensor
from hvit_edge.lowering.plain_layout import plain, plain_strides
from hvit_edge.targets.delegate import lower_to
from hvit_edge.targets.executorch import executorch_step

X = torch.randn(1, 3, 6, 8)
ODD = {
    "one head": torch.randn(5, 5).permute(1, 0).contiguous().as_strided((1, 1, 5, 5), (1, 1, 5, 1)),
    "one row": torch.randn(1, 7, 3).permute(0, 2, 1)[:, :1].reshape(1, 7, 1),
    "channels last": torch.randn(2, 3, 4, 5).contiguous(memory_format=torch.channels_last),
    "transposed": torch.randn(4, 6).t(),
    "expanded": torch.randn(1, 6).expand(4, 6),
    "every second": torch.randn(4, 6)[:, ::2],
    "one element": torch.randn(3, 1).as_strided((1, 1, 1), (7, 1, 5)),
}


@pytest.mark.parametrize("name", ODD)
def test_values_stay_and_strides_are_those_of_the_shape(name):
    stored = plain(ODD[name])
    assert torch.equal(stored, ODD[name])
    assert stored.stride() == torch.empty(ODD[name].shape).stride() == plain_strides(stored.shape)
    assert plain(stored) is stored


def strides_are_plain(graph):
    return all(
        constant_tensor(graph, node).stride() == plain_strides(constant_tensor(graph, node).shape)
        for node in graph.graph.find_nodes(op="get_attr")
    )


class Biased(nn.Module):
    """A map with weights of channels last, and a table whose gather keeps odd strides."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.table = nn.Parameter(torch.randn(9, 1))
        self.register_buffer("index", torch.randint(0, 9, (8, 8)))

    def forward(self, x):
        rows = self.conv(x).flatten(1, 2)
        bias = self.table[self.index.flatten()].reshape(8, 8, 1).permute(2, 0, 1).unsqueeze(0)
        scores = (rows.transpose(1, 2) @ rows).unsqueeze(1) + bias
        return scores.softmax(-1)[:, 0].flatten(1)


def test_a_channels_last_module_gives_plain_constants_and_keeps_its_own():
    module = Biased().eval().to(memory_format=torch.channels_last)
    graph = export_graph(module, (X.contiguous(memory_format=torch.channels_last),))
    assert strides_are_plain(graph)
    assert module.conv.weight.is_contiguous(memory_format=torch.channels_last)
    assert not module.conv.weight.is_contiguous()
    assert isinstance(graph.get_parameter("conv.weight"), nn.Parameter)
    rewrite(graph)
    assert strides_are_plain(graph)
    torch.testing.assert_close(graph(X), module(X))


def test_the_border_of_a_target_stores_plainly():
    """The constant here is from a rewrite that does not use the editor."""
    module = Biased().eval()
    graph = export_graph(module, (X,))
    rewrite(graph)
    odd = next(
        node
        for node in graph.graph.find_nodes(op="get_attr")
        if constant_tensor(graph, node).dim() == 4 and constant_tensor(graph, node).shape[1] == 1
    )
    setattr(graph, odd.target, constant_tensor(graph, odd).as_strided((1, 1, 8, 8), (1, 1, 8, 1)))
    lowered = lower_to(XnnpackPartitioner(), graph, (X,))
    actual = torch.from_numpy(executorch_step(lowered.serialize())(X.numpy()))
    torch.testing.assert_close(actual, module(X).detach(), rtol=1e-5, atol=1e-6)


def test_an_editor_stores_plainly(call):
    graph = export_graph(call(lambda x: x + 1).eval(), (X,))
    edit = Editor(graph, next(iter(graph.graph.find_nodes(op="output"))))
    for name, tensor in ODD.items():
        node = edit.constant("odd", tensor)
        assert torch.equal(constant_tensor(graph, node), tensor), name
        assert node.meta["val"].stride() == plain_strides(tensor.shape), name
    assert strides_are_plain(graph)
