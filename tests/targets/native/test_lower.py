"""A whole graph: one delegate call, and refusals that name operator and module."""

import pytest
import torch
from executorch.runtime import Runtime
from torch import nn

from hvit_edge.errors import LoweringError
from hvit_edge.lowering import export_graph
from hvit_edge.targets.native.delegate_call import HvitEdgeBackend
from hvit_edge.targets.native.lower import lower

IMAGE = torch.randn(1, 3, 12, 10)


def test_everything_is_inside(lowered):
    module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 5, 1))
    program, _ = lowered(module, IMAGE)
    assert (program.delegates, program.ops_outside, program.delegated_share) == (1, [], 1.0)
    assert program.ops_total == 3
    records = [(operator.kind, operator.module) for operator in program.operators]
    assert records[:2] == [("Linear", "0"), ("Linear", "2")]
    moves = {"Transpose", "Copy"}  # a map leaves as torch has it
    assert {kind for kind, _ in records[2:]} <= moves
    assert HvitEdgeBackend.plan == b""  # nothing is left for the next lowering


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
    "an operator": (lambda x: x.cummax(-1)[0], "aten.cummax.default in the root module"),
    "an output of whole numbers": (lambda x: (x, (x > 0).sum(-1)), "an output of torch.int64"),
    "a conversion that rounds": (lambda x: (x, x.long()), "aten.to.dtype of torch.int64"),
    "truth values": (lambda x: x > 0, "an output of torch.bool"),
    "a long cumulative sum": (lambda x: x.reshape(-1).repeat(9).cumsum(0), "sum of 3240 values"),
    "an order": (lambda x: x.sort(-1)[0], "aten.sort.default"),
    "indices of the largest": (lambda x: x.max(-1)[1] + x[..., 0], "the indices of the largest"),
    "a computed index": (lambda x: x[:, :, x[0, 0, 0, :3].long()], "aten"),
    "a query without keys": (
        lambda x: nn.functional.scaled_dot_product_attention(
            x, x, x, attn_mask=torch.full((12, 12), -torch.inf)
        ),
        "a query has no key",
    ),
    "a norm that counts": (lambda x: torch.linalg.vector_norm(x, 0, -1), "a norm of order 0"),
    "a division of whole numbers": (
        lambda x: torch.div((x > 0).sum(-1), 2, rounding_mode="floor").float(),
        "aten.div.Tensor_mode",
    ),
    "a variance of one": (lambda x: x.var(0), "a variance of 1 values"),
    "a volume": (
        lambda x: nn.functional.conv3d(torch.stack([x, x], 2), torch.ones(2, 3, 2, 2, 2)),
        "a convolution over volumes",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name, lowered, call):
    function, message = REFUSED[name]
    with pytest.raises(LoweringError, match=rf"(?s)\[targets.native\] .*got .*({message})"):
        lowered(call(function), IMAGE)


LAYERS = {
    "a transposed dilation": (nn.ConvTranspose2d(8, 8, 3, dilation=2), (1, 8, 12, 10)),
    "a pool that is too large": (nn.MaxPool2d(17), (1, 8, 18, 18)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_refused_layers_are_named(name, lowered):
    layer, shape = LAYERS[name]
    with pytest.raises(LoweringError, match=r"got a .* in (inner\.)?part; compile with target="):
        lowered(Holder(layer), torch.zeros(shape))


def test_all_refusals_are_listed_with_their_lines(lowered):
    module = nn.Sequential(Holder(nn.Conv2d(3, 8, 3)), Sorted(), nn.ReLU(), Sorted(), Summed())
    with pytest.raises(LoweringError) as caught:
        lowered(module, IMAGE)
    message = str(caught.value)
    assert "got 3 that it does not; compile with target='xnnpack':\n" in message
    lines = message.splitlines()[1:]
    assert [line.split(",")[0].strip() for line in lines] == [
        "aten.sort.default in 1",
        "aten.sort.default in 3",
        "aten.cummax.default in 4",
    ]
    assert "test_lower.py:" in lines[0] and lines[0].endswith(": return x.sort(-1)[0]")
    assert lines[2].endswith(": return (x + 1).cummax(-1)[0]")


def test_a_refusal_names_the_line(lowered):
    with pytest.raises(
        LoweringError, match=r"\n  at .*test_lower\.py:\d+: return x\.sort\(-1\)\[0\]$"
    ):
        lowered(Sorted(), IMAGE)


class Sorted(nn.Module):
    """An operator that is refused, whose outputs are used on."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.sort(-1)[0]


class Summed(nn.Module):
    """Another one."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x + 1).cummax(-1)[0]


class Holder(nn.Module):
    """A layer with a name."""

    def __init__(self, part: nn.Module) -> None:
        super().__init__()
        self.part = part

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.part(x)
