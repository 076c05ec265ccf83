"""The operators that the XNNPACK delegate is given, and the modules that they came from."""

import torch
from executorch.backends.xnnpack import xnnpack_preprocess
from torch import nn

from hvit_edge.lowering import export_graph
from hvit_edge.targets.xnnpack.lower import lower


class Small(nn.Module):
    """Maps, a square, tokens and a layer within a layer."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Sigmoid())
        self.head = nn.Linear(4, 5)

    def forward(self, x):
        maps = self.stem(x)
        return self.head((maps * maps).flatten(2).transpose(1, 2))


def test_operators_in_their_order():
    inputs = (torch.randn(1, 3, 8, 8),)
    before = (xnnpack_preprocess.get_node_visitors, xnnpack_preprocess.serialize_xnnpack_binary)
    lowered = lower(export_graph(Small().eval(), inputs), inputs)
    after = (xnnpack_preprocess.get_node_visitors, xnnpack_preprocess.serialize_xnnpack_binary)
    assert before == after
    records = [(record.kind, record.module) for record in lowered.operators]
    moved = ("StaticTranspose", "StaticReshape")
    assert [each for each in records if each[0] not in moved] == [
        ("Conv2d", "stem.0"),
        ("Sigmoid", "stem.1"),
        ("Square", ""),
        ("FullyConnected", "head"),
    ]


def test_of_several_delegates_nothing_is_recorded():
    class Parted(nn.Module):
        def forward(self, x):
            return torch.topk(x + 1, 3).values * 2

    inputs = (torch.randn(1, 8),)
    lowered = lower(export_graph(Parted().eval(), inputs), inputs)
    assert lowered.delegates == 2
    assert lowered.operators == ()
