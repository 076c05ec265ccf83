"""Bytes of lowered programs with operators outside the delegate: the same at every call."""

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from hvit_edge.errors import LoweringError
from hvit_edge.lowering import export_graph
from hvit_edge.targets import delegate
from hvit_edge.targets.delegate import Lowered
from hvit_edge.targets.executorch import executorch_step
from hvit_edge.targets.xnnpack.lower import lower

IMAGE = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
FLOAT32 = 5e-6  # relative: sums of at most 64 products


class Net(nn.Module):
    """A convolution, `body` on its map [1, 16, 4, 4], and a mean."""

    def __init__(self, body: nn.Module | Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.body, self.head = nn.Conv2d(3, 16, 4, stride=4), body, nn.Linear(16, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.body(self.conv(x)).relu()
        return self.head(x.mean((2, 3)) if x.dim() == 4 else x.mean(1))


def tokens(x: torch.Tensor) -> torch.Tensor:
    return x.flatten(2).transpose(1, 2)


def best(x: torch.Tensor) -> torch.Tensor:
    x = tokens(x)
    chosen = x.mean(-1).topk(8, dim=1).indices
    return torch.gather(x, 1, chosen.unsqueeze(-1).expand(-1, -1, 16))


def causal(x: torch.Tensor) -> torch.Tensor:
    x = tokens(x).unsqueeze(1)
    return F.scaled_dot_product_attention(x, x, x, is_causal=True).squeeze(1)


class PoolMixer(nn.Module):
    """PoolFormer's block: group norms of one group, and a pool without its middle."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.pool = nn.GroupNorm(1, 16), nn.AvgPool2d(3, 1, 1, count_include_pad=False)
        self.scale = nn.Parameter(torch.full((16, 1, 1), 0.1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norm(x)
        return x + self.scale * (self.pool(y) - y)


BODIES = {
    "group norm": nn.GroupNorm(4, 16),
    "instance norm": nn.InstanceNorm2d(16),
    "topk and gather": best,
    "causal attention": causal,
    "pool mixer": PoolMixer(),
}


def lowered_net(net: nn.Module) -> Lowered:
    """Without rewrites, which would give some of these to the delegate."""
    return lower(export_graph(net, (IMAGE,)), (IMAGE,))


@pytest.mark.slow
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_every_call_gives_the_same_bytes_of_the_same_network(body):
    net = Net(body).eval()
    lowered = lowered_net(net)
    program = lowered.edge.exported_program()
    graph, state = str(program.graph), dict(program.state_dict)
    first = lowered.serialize()
    with_constant = lowered.serialize({"name": "net"})
    assert lowered.serialize() == first
    assert lowered.serialize({"name": "net"}) == with_constant != first
    assert str(lowered.edge.exported_program().graph) == graph
    assert all(lowered.edge.exported_program().state_dict[key] is state[key] for key in state)
    assert {outside.op.split(".")[0] for outside in lowered.ops_outside} == {"aten"}
    with torch.no_grad():
        expected = net(IMAGE)
    for serialized in (first, with_constant):
        actual = torch.from_numpy(executorch_step(serialized)(IMAGE.numpy()))
        torch.testing.assert_close(
            actual, expected, rtol=0, atol=FLOAT32 * float(expected.abs().max())
        )


def test_operators_without_a_kernel_are_all_named():
    class Pooled(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return F.adaptive_max_pool2d(x, 2).flatten(2).transpose(1, 2).cummax(1).values

    lowered = lowered_net(Net(Pooled()).eval())
    with pytest.raises(
        LoweringError, match=r"got aten::adaptive_max_pool2d in body, aten::cummax in body; replace"
    ):
        lowered.serialize()


def test_operators_without_a_kernel_become_others_that_have_one():
    def pruned(x: torch.Tensor) -> torch.Tensor:
        x = tokens(x)
        kept = x.mean(-1).topk(8, dim=1).indices[0].sort().values
        return x[:, kept] * (x[:, :8] / 8).cumprod(1) + x.sort(1, descending=True).values[:, :8]

    net = Net(pruned).eval()
    with torch.no_grad():
        expected = net(IMAGE)
    actual = torch.from_numpy(executorch_step(lowered_net(net).serialize())(IMAGE.numpy()))
    torch.testing.assert_close(actual, expected, rtol=0, atol=FLOAT32 * float(expected.abs().max()))


def test_an_error_of_executorch_without_a_message_is_named_by_its_type(monkeypatch):
    def fail(*given, **options):
        raise AssertionError

    monkeypatch.setattr(delegate, "to_edge_transform_and_lower", fail)
    graph = export_graph(nn.ReLU().eval(), (torch.ones(1, 2),))
    with pytest.raises(LoweringError, match="got AssertionError; run with -v"):
        lower(graph, (torch.ones(1, 2),), plainly=True)
