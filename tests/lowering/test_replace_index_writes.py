import pytest
import torch

from hvit_edge.lowering.fold_constants import fold_constants
from hvit_edge.lowering.remove_identities import remove_identities
from hvit_edge.lowering.replace_index_writes import VALUES, replace_index_writes

X = torch.randn(2, 4, 6, 8)
WHOLE = slice(None)
GENERATOR = torch.Generator().manual_seed(0)
ORDERS = torch.stack([torch.randperm(48, generator=GENERATOR) for _ in range(8)])


def assigned(x, place, value):
    x = x.clone()
    x[place] = value
    return x


def rewrite(graph):
    passes = (remove_identities, fold_constants, replace_index_writes, fold_constants)
    return any([apply(graph) for apply in passes])


CHOICES = {
    "index_put": lambda x: assigned(x, (WHOLE, [0, 2]), x[:, [1, 3]] * 2),
    "a number": lambda x: assigned(x, (WHOLE, [0, -1]), 3.0),
    "a broadcast value": lambda x: assigned(x, (WHOLE, [0, 3]), x[:, :1] * 2),
    "pairs of places": lambda x: assigned(x, (WHOLE, WHOLE, [0, 2], [1, 3]), x[..., 0, :2] * 2),
    "places of a grid": lambda x: assigned(
        x, (WHOLE, torch.tensor([[0], [2]]), torch.tensor([[1, 3, 5]])), x[:, :2, :3] * 2
    ),
    "dimensions apart": lambda x: assigned(
        x, (WHOLE, torch.tensor([0, 2]), WHOLE, torch.tensor([1, 3])), x[:, :, 0, :2].mT[:2, :, :1]
    ),
    "a mask": lambda x: assigned(x, (..., torch.arange(8) % 2 == 0), x[..., :4] * 2),
    "a mask of two dimensions": lambda x: assigned(
        x, (WHOLE, WHOLE, torch.eye(6, 8) > 0), x[..., 0] * 2
    ),
    "many runs": lambda x: assigned(
        torch.zeros(2, 4, 6, 32, dtype=x.dtype), (..., torch.arange(31, -1, -4)), x * 2
    ),
    "the last of several writes": lambda x: assigned(x, (WHOLE, [1, 1, 1]), x[:, :1] * 2),
    "no place": lambda x: assigned(x, (WHOLE, torch.zeros(0, dtype=torch.int64)), 0.0) * 2,
    "index_copy": lambda x: x.index_copy(2, torch.tensor([5, 0]), x[:, :, :2] * 3),
    "index_fill": lambda x: x.index_fill(1, torch.tensor([1, 3]), 2.0),
    "scatter": lambda x: x.reshape(8, 48).scatter(1, ORDERS[:, :40], x.reshape(8, 48) * 2),
    "scatter of a number": lambda x: x.scatter(1, ORDERS[:2, :1, None, None] % 4, -1.0),
    "masked_scatter": lambda x: x.masked_scatter(torch.arange(8) > 3, x * 2),
}
SUMS = {
    "index_add": lambda x: x.index_add(1, torch.tensor([0, 0, 3, 1]), x * 2, alpha=0.5),
    "index_put that adds": lambda x: x.index_put(
        (torch.tensor([[1, 1], [0, 1]]),), x[:1] * 2, accumulate=True
    ),
    "scatter_add": lambda x: x.scatter_add(3, (torch.arange(8) // 3).expand(2, 4, 6, 8), x * 2),
}


@pytest.mark.parametrize("name", CHOICES)
def test_choices_move_elements(name, rewritten, call):
    after = rewritten(rewrite, call(CHOICES[name]), X, bit_equal=True)
    assert not {str(op).split(".")[1] for op in VALUES} & set(after)


def test_few_runs_are_slices(rewritten, call):
    after = rewritten(rewrite, call(CHOICES["index_copy"]), X, bit_equal=True)
    assert (after["slice"], after["cat"], after["index_select"]) == (1 + 3, 1, 0)
    after = rewritten(rewrite, call(CHOICES["many runs"]), X, bit_equal=True)
    assert (after["slice"], after["cat"], after["index_select"]) == (0, 1, 1)


@pytest.mark.parametrize("name", SUMS)
def test_sums_are_products(name, rewritten, call):
    after = rewritten(rewrite, call(SUMS[name]), X)
    assert after["linear"] == 1
    assert not {"index_add", "index_put", "scatter_add"} & set(after)


NEAR_MISSES = {
    "computed places": lambda x: x.scatter(1, x.argsort(1), x),
    "integers": lambda x: x.argsort(1).index_copy(1, torch.tensor([0]), x[:, :1].argsort(1)),
    "sums at different places": lambda x: x.scatter_add(1, x.argsort(1), x),
    "a matrix that is too large": lambda x: (
        x.reshape(384, 1)
        .expand(384, 2)
        .index_add(0, torch.arange(768) % 384, x.reshape(384, 1).repeat(2, 2))
    ),
}


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_near_misses_stay(name, untouched, call):
    untouched(replace_index_writes, call(NEAR_MISSES[name]), X)
