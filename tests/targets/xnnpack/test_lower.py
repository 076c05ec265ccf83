from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from executorch.runtime import Runtime

from hvit_edge.errors import LoweringError
from hvit_edge.lowering import PIPELINE, export_graph, rewrite
from hvit_edge.targets import delegate
from hvit_edge.targets.xnnpack import lower as xnnpack

X = torch.randn(1, 3, 16, 16)
RTOL = 1e-5  # float32, XNNPACK's order of summation


def test_rewritten_graph_is_one_delegate(tiny_model):
    graph = export_graph(tiny_model, (X,))
    rewrite(graph)
    lowered = xnnpack.lower(graph, (X,))
    assert (lowered.delegates, lowered.ops_outside, lowered.delegated_share) == (1, [], 1.0)
    assert lowered.ops_total > 40

    program = Runtime.get().load_program(lowered.serialize({"hve_note": "kept"}))
    assert program.load_method("hve_note").execute([]) == ["kept"]
    (actual,) = program.load_method("forward").execute([X])
    with torch.inference_mode():
        expected = tiny_model(X)
    assert (actual - expected).abs().max() <= RTOL * expected.abs().max()


def test_operators_left_outside_are_named_with_module_and_reason(tiny_model):
    lowered = xnnpack.lower(export_graph(tiny_model, (X,)), (X,))
    outside = {op.op: op for op in lowered.ops_outside}
    assert lowered.delegates > 1
    assert lowered.delegated_share == 1 - len(lowered.ops_outside) / lowered.ops_total
    assert outside["aten.native_layer_norm.default"].module == "attention.norm"
    assert "the delegate has no operator" in outside["aten.native_layer_norm.default"].reason
    assert "rank 3" in outside["aten.mean.dim"].reason


NEEDED = {
    "remove_identities": lambda x: x[:, :, 0:],
    "replace_scalars": lambda x: 1 - x,
}
"""What no model of the registry has, by the rewrite that takes it into the delegate."""


class Between(torch.nn.Module):
    """A function of what a layer computes."""

    def __init__(self, function: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.function = function
        self.first, self.second = torch.nn.Linear(16, 8), torch.nn.Linear(8, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(self.function(self.first(x)))


@pytest.mark.parametrize("left_out", NEEDED)
def test_other_networks_need_rewrites_that_gain_nothing(left_out):
    def outside(passes):
        graph = export_graph(Between(NEEDED[left_out]).eval(), (X,))
        rewrite(graph, passes=passes)
        return xnnpack.lower(graph, (X,)).ops_outside

    assert outside(PIPELINE) == []
    assert outside([apply for apply in PIPELINE if apply.__name__ != left_out]) != []


class Foreign(torch.nn.Module):
    """Operators that networks of others have, and no model of the registry."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = torch.nn.Conv2d(3, 8, 3), torch.nn.Linear(7, 4)
        self.groups, self.layer = torch.nn.GroupNorm(2, 8), torch.nn.LayerNorm((8, 7, 7))
        self.instance = torch.nn.InstanceNorm2d(8, affine=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)[:, :, ::2, 1::2]
        x = self.instance(self.groups(x)) + self.layer(x)
        x = x * torch.nn.functional.hardsigmoid(x.mean((2, 3), keepdim=True)).expand_as(x)
        x = torch.nn.functional.normalize(x, dim=1) * x.softmax(2) + x.sum((2, 3), keepdim=True)
        x = x - torch.nn.functional.adaptive_max_pool2d(x, 1) + x.mean((1, 3), keepdim=True) ** 2
        return self.second(x)


class Moved(torch.nn.Module):
    """Elements that other networks move, choose, repeat and pool."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = torch.nn.Conv2d(3, 8, 5), torch.nn.Linear(12, 4)
        self.volume = torch.nn.Conv3d(1, 1, 3, padding=1)
        self.register_buffer("mask", torch.rand(12, 12) > 0.5)
        self.register_buffer("map", torch.randn(1, 8, 12, 12))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        x = x + self.volume(x[:, None])[:, 0]
        x = F.pad(x, (1, 1, 0, 2), mode="reflect")[:, :, 1:13, :12].flip(1)
        x = F.avg_pool2d(x, 3, 1, 1) + F.max_pool2d(x, 3, 1, 1) * self.map
        x = x + F.fold(F.unfold(x, 3, padding=1), (12, 12), 3, padding=1)
        x = x.masked_fill(self.mask, 0.5) + F.adaptive_avg_pool2d(x, 5).mean((2, 3), keepdim=True)
        y = x.clone()
        y[:, 2:4] = x.amax(1, keepdim=True).expand(1, 2, 12, 12)
        y = torch.stack([y, x.repeat(1, 2, 1, 1)[:, ::2]], 1).sum(1)
        small = F.interpolate(y, size=7, mode="bicubic")
        y = y + F.interpolate(small, size=12) - F.pixel_shuffle(x[:, :, ::2, ::2], 2).mean()
        y = y + F.conv1d(y.flatten(2), self.map[0, :, :8, :3]).mean(2)[..., None, None]
        return self.second(y.reshape(1, 96, 12) * self.map.reshape(1, 96, 12))


class Mixed(torch.nn.Module):
    """Activations and attention as other networks have them."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = torch.nn.Conv2d(3, 16, 4, 4), torch.nn.Linear(16, 4)
        self.register_buffer("allowed", torch.ones(16, 16).tril(-1).bool())
        self.table = torch.nn.Parameter(torch.randn(16, 16))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x).flatten(2).mT
        heads = x.reshape(1, 16, 4, 4).transpose(1, 2)
        shared = heads[:, :2] * 2
        options = {"enable_gqa": True, "attn_mask": self.allowed}
        x = x + F.scaled_dot_product_attention(heads, shared, shared, **options).flatten(2).view(
            1, 16, 16
        )
        x = x + heads.matmul(heads[:, :1].mT).matmul(heads[:, :1]).transpose(1, 2).reshape(x.shape)
        x = x + F.gelu(x, approximate="tanh") + F.mish(x) * F.elu(x, 0.7) + F.selu(x)
        x = x + F.prelu(x, self.table[0]) + F.prelu(x, self.table[0, :1])
        x = x + self.table @ x + torch.einsum("bnc,bmc->bnm", x, x) / 16
        x = x + F.glu(torch.cat([x, x * 2], -1)) + F.linear(x, x[0] / 4) + x.var(-1, keepdim=True)
        return self.second(x.log_softmax(1) + x.cumsum(1) / 16 + x.clamp_min(0.1))


class Transformed(torch.nn.Module):
    """Fourier transforms, writes to constant places, and a part in float64."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = torch.nn.Conv2d(3, 8, 5), torch.nn.Linear(12, 4)
        self.filter = torch.nn.Parameter(torch.randn(8, 12, 7, 2) / 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        x = x + torch.fft.irfft2(torch.fft.rfft2(x) * torch.view_as_complex(self.filter))
        y = x.clone()
        y[:, [0, 3]] = x[:, [1, 2]] * 2
        y[..., torch.arange(12) % 2 == 0] = 0.5
        y = y.index_add(2, torch.tensor([0, 0, 5]), x[:, :, :3])
        return self.second(y + (x.double() * 0.5).sum(1, keepdim=True).float())


@pytest.mark.parametrize("network", [Foreign, Moved, Mixed, Transformed])
def test_operators_of_other_networks_are_in_the_delegate(network):
    torch.manual_seed(0)
    module = network().eval()
    graph = export_graph(module, (X,))
    rewrite(graph)
    lowered = xnnpack.lower(graph, (X,))
    assert (lowered.delegates, lowered.ops_outside) == (1, [])
    program = Runtime.get().load_program(lowered.serialize())
    (actual,) = program.load_method("forward").execute([X])
    with torch.inference_mode():
        expected = module(X)
    assert (actual - expected).abs().max() <= RTOL * expected.abs().max()


def test_refused_graph_says_why(tiny_model, monkeypatch):
    def refuse(*args, **kwargs):
        raise RuntimeError("no such thing\nsecond line")

    monkeypatch.setattr(delegate, "to_edge_transform_and_lower", refuse)
    with pytest.raises(LoweringError, match=r"\[targets\].*RuntimeError: no such thing;"):
        xnnpack.lower(export_graph(tiny_model, (X,)), (X,))
