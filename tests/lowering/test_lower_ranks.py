import torch

from hvit_edge.lowering.lower_ranks import lower_ranks

X = torch.randn(2, 1, 3, 2, 1, 4, 2)


def test_parts_move_as_one(rewritten, call):
    moved = call(lambda x: x.permute(0, 5, 6, 4, 1, 2, 3))
    assert rewritten(lower_ranks, moved, X, bit_equal=True) == {"reshape": 2, "permute": 1}


def test_near_misses_stay(untouched, call):
    untouched(lower_ranks, call(lambda x: x[0].permute(1, 0, 2, 3, 5, 4)), X)
    x = torch.randn(2, 2, 2, 2, 2, 2, 2)
    untouched(lower_ranks, call(lambda x: x.permute(6, 5, 4, 3, 2, 1, 0)), x)
