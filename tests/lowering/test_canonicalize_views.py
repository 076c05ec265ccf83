import pytest
import torch

from hvit_edge.lowering import export_graph
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
    "tensor_split": lambda x: x.tensor_split(3, dim=2)[1] * x.tensor_split((1, 2), 2)[1],
    "reshape_as": lambda x: x.reshape_as(x.view(4, 6)),
    "ravel": lambda x: x.ravel(),
    "swapdims": lambda x: x.swapdims(0, 2).moveaxis(0, 1),
    "reshape -1": lambda x: x.reshape(3, -1, 2).reshape(-1),
    "view -1": lambda x: x.view(-1, 12),
    "flatten all": lambda x: x.flatten(),
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


NORMAL = {
    "reshape": (lambda x: x.reshape(3, -1, 2), ([3, 4, 2],)),
    "permute": (lambda x: x.permute(-1, 0, -2), ([2, 0, 1],)),
    "expand": (lambda x: x[:1].expand(5, -1, -1), ([5, 3, 4],)),
    "expand as": (lambda x: x[:, :1].expand_as(x), ([2, 3, 4],)),
    "expand by broadcast_to": (lambda x: x[:, :1].broadcast_to(5, 2, 3, 4), ([5, 2, 3, 4],)),
    "slice from the end": (lambda x: x[:, -2:], (1, 1, 3)),
    "slice past the end": (lambda x: x[..., 1:99], (2, 1, 4)),
    "slice of nothing": (lambda x: x[:, 2:1], (1, 2, 2)),
    "slice with a step": (lambda x: x[..., ::2], (2, 0, 4, 2)),
}


@pytest.mark.parametrize("name", NORMAL)
def test_numbers_are_written_out(name, call):
    function, numbers = NORMAL[name]
    graph = export_graph(call(lambda x: function(x) + 1).eval(), (torch.randn(2, 3, 4),))
    canonicalize_views(graph)
    (node,) = [n for n in graph.graph.nodes if str(n.target).startswith(f"aten.{name.split()[0]}")]
    assert (node.args[1:], node.kwargs) == (numbers, {})
    x = torch.randn(2, 3, 4)
    assert torch.equal(graph(x), function(x) + 1)
    assert not canonicalize_views(graph)
