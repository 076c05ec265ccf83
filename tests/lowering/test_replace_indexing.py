import pytest
import torch
import torch.nn.functional as F
from torch import nn

from hvit_edge.lowering.replace_indexing import replace_indexing

X = torch.randn(1, 3, 8, 40)
CUT = {"slice": 3, "cat": 1}
MATRIX = {"permute": 2, "linear": 1}


class Places(nn.Module):
    """Elements at constant places, by one index or several."""

    def __init__(self, *places: list[int]) -> None:
        super().__init__()
        for number, given in enumerate(places):
            self.register_buffer(f"places{number}", torch.tensor(given))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.ops.aten.index.Tensor(x, [None, None, *self.buffers()])


INDEXING = {
    "flip": (lambda x: x.flip(1), CUT),
    "flip of many": (lambda x: x.flip(-1), {"linear": 1}),
    "reflect": (lambda x: F.pad(x, (0, 0, 1, 1), mode="reflect"), {"slice": 2, "cat": 1}),
    "replicate": (lambda x: F.pad(x, (1, 2, 0, 0), mode="replicate"), {"slice": 3, "cat": 1}),
    "circular": (lambda x: F.pad(x, (1, 0, 2, 0), mode="circular"), {"slice": 2, "cat": 2}),
    "crop": (lambda x: F.pad(x, (-1, -2)), {"slice": 1}),
    "crop and pad": (lambda x: F.pad(x, (-1, 2), value=0.5), {"slice": 1, "constant_pad_nd": 1}),
    "roll of all": (lambda x: x.roll(5), {"reshape": 2, "slice": 2, "cat": 1}),
}


@pytest.mark.parametrize("name", INDEXING)
def test_places_are_slices_or_a_matrix(name, rewritten, call):
    function, expected = INDEXING[name]
    assert rewritten(replace_indexing, call(function), X, bit_equal=True) == expected


INDEXED = {
    "runs": ([[2, 3, 4, 0]], {"slice": 2, "cat": 1}),
    "two dimensions of an index": ([[[2, 3], [4, 5]]], {"slice": 1, "reshape": 1}),
    "many": ([[5, 1, 5, 0, 7, 2, 4, 6, 3, -1]], MATRIX),
    "two indices": ([[[0], [1]], [[1, 2]]], {"reshape": 2, "slice": 2, "cat": 1}),
}


@pytest.mark.parametrize("name", INDEXED)
def test_constant_indices(name, rewritten):
    places, expected = INDEXED[name]
    # Another rewrite folds constants, so only the graph shows which buffers are used.
    assert rewritten(replace_indexing, Places(*places), X, bit_equal=True) == expected


NEAR_MISSES = {
    "computed places": lambda x: x[:, :, x[0, 0, 0].argsort()[:4] % 8],
    "integers": lambda x: x.argmax(1).flip(1),
    "padding with a number": lambda x: F.pad(x, (1, 2)),
    "too many": lambda x: x.reshape(1, -1).repeat(1, 2).flip(1),
}


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_near_misses_stay(name, untouched, call):
    untouched(replace_indexing, call(NEAR_MISSES[name]), X)
