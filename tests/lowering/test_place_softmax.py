import pytest
import torch
import torch.nn.functional as F
from torch import nn

from hvit_edge.lowering.place_softmax import place_softmax

X = torch.randn(2, 3, 4, 5)
WEIGHT = torch.randn(3, 3, 1, 1)


class Map(nn.Module):
    """Applies a function to the output of a convolution."""

    def __init__(self, function) -> None:
        super().__init__()
        self.function, self.conv = function, nn.Conv2d(3, 6, 1)

    def forward(self, x):
        return self.function(self.conv(x))


@pytest.mark.parametrize("dim", [0, 1, 2, -2])
def test_other_dimensions_are_moved_to_the_end(dim, rewritten, call):
    after = rewritten(place_softmax, call(lambda x: x.softmax(dim)), X)
    assert after == {"permute": 2, "softmax": 1, "reshape": 2}


@pytest.mark.parametrize("dim", [0, 1])
def test_other_ranks_are_only_moved(dim, rewritten, call):
    after = rewritten(place_softmax, call(lambda x: x.softmax(dim)), X[0])
    assert after == {"permute": 2, "softmax": 1}


MAPS = {
    "map": lambda y: y.softmax(-1),
    "after arithmetic": lambda y: (y * 2 + 1).softmax(3),
    "after a permute": lambda y: y.permute(0, 2, 3, 1).softmax(-1),
    "joined with scores": lambda y: (y + y.reshape(2, 6, 20).reshape(2, 6, 4, 5)).softmax(-1),
    "pooled": lambda y: F.avg_pool2d(y, 2).softmax(-1),
    "part": lambda y: y[:, :2].softmax(-1),
}


@pytest.mark.parametrize("name", MAPS)
def test_maps_become_rows_of_three_dimensions(name, rewritten):
    after = rewritten(place_softmax, Map(MAPS[name]), X)
    assert after["softmax"] == 1
    assert after["reshape"] >= 2


STAY = {
    "input": lambda x: x.softmax(-1),
    "scores": lambda x: (x @ x.transpose(2, 3) + torch.ones(4, 4)).softmax(-1),
    "rows": lambda x: F.conv2d(x, WEIGHT).reshape(6, 4, 5).softmax(-1),
    "reshaped": lambda x: (F.conv2d(x, WEIGHT).reshape(1, 6, 4, 5) * 2).softmax(-1),
    "another dtype": lambda x: x.softmax(1, dtype=torch.float64),
    "number": lambda x: x[0, 0, 0, 0].softmax(0),
}


@pytest.mark.parametrize("name", STAY)
def test_near_misses_stay(name, untouched, call):
    untouched(place_softmax, call(STAY[name]), X)
