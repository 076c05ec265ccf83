import pytest
import torch

from hvit_edge.lowering.remove_identities import remove_identities
from hvit_edge.lowering.replace_scatters import replace_scatters

X = torch.randn(2, 6, 4)


def assigned(x, place, value):
    x = x.clone()
    x[place] = value
    return x


WHOLE = slice(None)
ASSIGNMENTS = {
    "middle": (lambda x: assigned(x, (WHOLE, slice(1, 3)), x[:, :2] * 2), {"cat": 1}),
    "start": (lambda x: assigned(x, (WHOLE, slice(0, 2)), x[:, :2] * 2), {"cat": 1}),
    "one": (lambda x: assigned(x, (WHOLE, -1), x[:, 0] * 2), {"cat": 1, "reshape": 1}),
    "every second": (
        lambda x: assigned(x, (WHOLE, slice(1, None, 2)), x[:, :3] * 2),
        {"cat": 1, "reshape": 3},
    ),
    "everything": (lambda x: torch.slice_scatter(x, x * 2, 1), {"cat": 0}),
}


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_assignments_are_concatenations(name, rewritten, call):
    function, expected = ASSIGNMENTS[name]

    def both(graph):
        removed = remove_identities(graph)  # the copy of what is assigned
        return replace_scatters(graph) or removed

    after = rewritten(both, call(function), X, bit_equal=True)
    assert {operator: after[operator] for operator in expected} == expected
    assert not {"slice_scatter", "select_scatter", "copy"} & set(after)


NEAR_MISSES = {
    "a step with a rest": lambda x: torch.slice_scatter(x, x[:, :2], 1, 0, 6, 4),
    "integers": lambda x: torch.slice_scatter(x.argsort(1), x[:, :2].argsort(1), 1, 0, 2),
}


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_near_misses_stay(name, untouched, call):
    untouched(replace_scatters, call(NEAR_MISSES[name]), X)
