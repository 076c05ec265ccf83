import pytest
import torch
from torch import nn

from hvit_edge.lowering.remove_identities import remove_identities

IDENTITIES = {
    "dropout": lambda x: nn.functional.dropout(x, 0.5, training=False),
    "contiguous": lambda x: x.transpose(1, 2).contiguous(),
    "clone": lambda x: x.clone(),
    "detach": lambda x: x.detach(),
    "expand": lambda x: x.expand(2, 3, 4),
    "to": lambda x: x.to(torch.float64),
    "slice": lambda x: x[:, 0:3],
    "permute": lambda x: x.permute(0, 1, 2),
    "reshape": lambda x: x.reshape(2, 3, 4),
    "pad": lambda x: nn.functional.pad(x, (0, 0)),
    "repeat": lambda x: x.repeat(1, 1, 1),
    "cat of one": lambda x: torch.cat([x], 1),
}
NEAR_MISSES = {
    "expand that repeats": lambda x: x[:, :1].expand(2, 3, 4) + 1,
    "slice of a part": lambda x: x[:, 0:2] + 1,
    "repeat that adds a dimension": lambda x: x.repeat(1, 1, 1, 1) + 1,
    "repeat that repeats": lambda x: x.repeat(1, 2, 1) + 1,
    "cat of two": lambda x: torch.cat([x, x], 1) + 1,
    "slice with a step": lambda x: x[:, ::3] + 1,
    "permute of equal lengths": lambda x: x.reshape(2, 2, 6).permute(1, 0, 2) + 1,
    "pad": lambda x: nn.functional.pad(x, (1, -1)) + 1,
}


@pytest.mark.parametrize("name", IDENTITIES)
def test_identity_goes(name, rewritten, call):
    x = torch.randn(2, 3, 4)
    after = rewritten(remove_identities, call(lambda x: IDENTITIES[name](x) + 1), x, bit_equal=True)
    assert set(after) <= {"add", "transpose"}


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_near_miss_stays(name, untouched, call):
    untouched(remove_identities, call(NEAR_MISSES[name]), torch.randn(2, 3, 4))


def test_change_of_dtype_stays(rewritten, call):
    after = rewritten(
        remove_identities, call(lambda x: x.to(torch.float16) + 1), torch.randn(3), bit_equal=True
    )
    assert after == {"to": 1, "add": 1}
