"""A whole graph: one delegate call, and refusals that name operator and module."""

import pytest
import torch
from executorch.runtime import Runtime
from torch import nn

from hvit_edge.errors import LoweringError
from hvit_edge.lowering import export_graph
from hvit_edge.targets.native import lower as lower_module
from hvit_edge.targets.native.lower import lower

IMAGE = torch.randn(1, 3, 12, 10)


def test_everything_is_inside(lowered):
    module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 5, 1))
    program, _ = lowered(module, IMAGE)
    assert (program.delegates, program.ops_outside, program.delegated_share) == (1, [], 1.0)
    assert program.ops_total == 3
    records = [(operator.kind, operator.module) for operator in program.operators]
    assert records[:2] == [("Linear", "0"), ("Linear", "2")]
    assert {kind for kind, _ in records[2:]} <= {"Gather", "Copy"}  # a map leaves as torch has it
    assert lower_module.HvitEdgeBackend.plan == b""  # nothing is left for the next lowering


def test_constant_methods_stand_beside_it(lowered):
    program, _ = lowered(nn.Conv2d(3, 8, 3), IMAGE)
    loaded = Runtime.get().load_program(program.serialize({"hve_note": "kept"}))
    assert loaded.load_method("hve_note").execute([]) == ["kept"]


def test_the_graph_is_left_as_it_was():
    graph = export_graph(nn.Conv2d(3, 8, 3).eval(), (IMAGE,))
    code = graph.code
    lower(graph, (IMAGE,))
    assert graph.code == code


REFUSED = {
    "an operator": (lambda x: x.cumsum(-1), "aten.cumsum.default in the root module"),
    "GELU by tanh": (lambda x: nn.functional.gelu(x, approximate="tanh"), "GELU by tanh"),
    "a sum with a number": (lambda x: x + 1, "a sum with a number"),
    "a product": (lambda x: x * x, "a product of two tensors"),
    "a roll of everything": (lambda x: torch.roll(x, 1), "a roll without dims"),
    "a mean of one axis of four": (lambda x: x.mean(1), "a mean over the dimensions"),
    "a mean of everything": (lambda x: x.mean((0, 1, 2, 3)), "a mean over the dimensions"),
    "two outputs": (lambda x: (x, x * 2), "2 outputs"),
    "a computed mask": (
        lambda x: nn.functional.scaled_dot_product_attention(x, x, x, attn_mask=x @ x.mT),
        "aten.matmul.default|a mask that is computed",
    ),
    "a causal mask": (
        lambda x: nn.functional.scaled_dot_product_attention(x, x, x, is_causal=True),
        "a causal mask",
    ),
    "a grid of pools": (
        lambda x: nn.functional.adaptive_avg_pool2d(x, 2),
        "aten.adaptive_avg_pool2d.default",
    ),
    "a mean over padding": (lambda x: nn.functional.avg_pool2d(x, 3, 1, 1), "over padding"),
    "a pool with dilation": (lambda x: nn.functional.max_pool2d(x, 2, dilation=2), "dilation"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name, lowered, call):
    function, message = REFUSED[name]
    with pytest.raises(LoweringError, match=rf"\[targets.native\] .*got .*({message})"):
        lowered(call(function), IMAGE)


LAYERS = {
    "dilation": (nn.Conv2d(3, 8, 3, dilation=2), (1, 3, 12, 10)),
    "groups": (nn.Conv2d(8, 8, 3, groups=2), (1, 8, 12, 10)),
    "several filters a channel": (nn.Conv2d(8, 16, 3, groups=8), (1, 8, 12, 10)),
    "a batch": (nn.Conv2d(8, 8, 3), (2, 8, 12, 10)),
    "a kernel that is too large": (nn.Conv2d(8, 8, 17), (1, 8, 18, 18)),
    "a norm of several dimensions": (nn.LayerNorm((12, 10)), (1, 3, 12, 10)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_refused_layers_are_named(name, lowered):
    layer, shape = LAYERS[name]
    with pytest.raises(LoweringError, match=r"got a .* in (inner\.)?part; compile with --target"):
        lowered(Holder(layer), torch.zeros(shape))


class Holder(nn.Module):
    """A layer with a name."""

    def __init__(self, part: nn.Module) -> None:
        super().__init__()
        self.part = part

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.part(x)


class Two(nn.Module):
    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return x - y


def test_two_inputs_are_refused():
    graph = export_graph(Two().eval(), (IMAGE, IMAGE))
    with pytest.raises(LoweringError, match="got a second input"):
        lower(graph, (IMAGE, IMAGE))
