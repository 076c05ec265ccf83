import pytest
import torch

from hvit_edge.lowering.replace_roll import replace_roll


@pytest.mark.parametrize("shifts", [(-3, -3), (1, 6), (7, 1), (-8, 2)])
def test_slices_and_concatenations(shifts, rewritten, call):
    x = torch.randn(1, 7, 7, 2)
    module = call(lambda x: torch.roll(x, shifts, (1, 2)) + 1)
    after = rewritten(replace_roll, module, x, bit_equal=True)
    rolled = sum(shift % 7 != 0 for shift in shifts)
    assert (after["slice"], after["cat"], after["roll"]) == (2 * rolled, rolled, 0)


def test_roll_of_the_flattened_tensor_stays(untouched, call):
    untouched(replace_roll, call(lambda x: torch.roll(x, 1)), torch.randn(3, 4))
