import pytest
import torch

from hvit_edge.lowering.canonicalize_views import canonicalize_views

VIEWS = {
    "flatten": lambda x: x.flatten(1),
    "unflatten": lambda x: x.unflatten(2, (2, 2)),
    "view": lambda x: x.view(2, 12),
    "squeeze": lambda x: x[:, :1].squeeze(1) + x[:, :1].squeeze(),
    "unsqueeze": lambda x: x.unsqueeze(-1) + x[..., None],
    "transpose": lambda x: x.transpose(-1, 0),
    "t": lambda x: x[0].t(),
    "mT": lambda x: x.mT,
    "movedim": lambda x: x.movedim(0, -1),
    "swapaxes": lambda x: x.swapaxes(1, 2),
    "select": lambda x: x[:, 1] + x[:, -1],
    "narrow": lambda x: x.narrow(2, 1, 2),
    "unbind": lambda x: sum(x.unbind(1)),
    "chunk": lambda x: x.chunk(2, dim=1)[0],
    "chunk, last smaller": lambda x: x.chunk(2, dim=1)[1],
    "split": lambda x: x.split(2, dim=-1)[1],
    "split sizes": lambda x: x.split([1, 3], dim=2)[1] * x.split([1, 3], dim=2)[0],
}


@pytest.mark.parametrize("name", VIEWS)
def test_only_reshape_permute_slice_remain(name, rewritten, call):
    x = torch.randn(2, 3, 4)
    after = rewritten(canonicalize_views, call(lambda x: VIEWS[name](x) + 1), x, bit_equal=True)
    assert set(after) <= {"reshape", "permute", "slice", "add", "mul"}


def test_near_miss_stays(untouched, call):
    x = torch.randn(2, 3, 4)
    untouched(canonicalize_views, call(lambda x: x.reshape(6, 4).permute(1, 0)[:, 1:3]), x)
