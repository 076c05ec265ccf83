import pytest
import torch

from hvit_edge.lowering.replace_as_strided import replace_as_strided

X = torch.randn(2, 4, 6)

VIEWS = {
    "windows": lambda x: (x * 2).as_strided((2, 4, 4, 3), (24, 6, 1, 1)),
    "an offset": lambda x: (x * 2).as_strided((3, 5), (6, 1), 7),
    "the memory of a transposed tensor": lambda x: x.transpose(1, 2).as_strided(
        (2, 6, 4), (24, 4, 1)
    ),
    "a transposed tensor, an offset": lambda x: (x * 2).mT.as_strided((4,), (6,), 1),
    "a whole part without an offset": lambda x: x[1:].as_strided((4, 2), (6, 3)),
    "broadcast": lambda x: (x * 2).as_strided((3, 6), (0, 1)),
    "a scalar": lambda x: (x * 2).as_strided((), (), 5),
}


@pytest.mark.parametrize("name", VIEWS)
def test_views_are_selections(name, rewritten, call):
    after = rewritten(replace_as_strided, call(VIEWS[name]), X, bit_equal=True)
    assert after["as_strided"] == 0
    assert after["index_select"] == 1


NEAR_MISSES = {
    "an offset into the memory of a larger tensor": lambda x: x[1:].as_strided((4,), (1,), 0),
    "a part by number": lambda x: x.unbind(0)[1].as_strided((4,), (1,), 0),
    "memory between the elements": lambda x: x[:, ::2].as_strided((4,), (6,)),
    "memory after the elements": lambda x: x[:1].as_strided((8, 6), (6, 1)),
}


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_near_misses_stay(name, untouched, call):
    untouched(replace_as_strided, call(NEAR_MISSES[name]), X)
