"""Operators that the native backend refuses run between its calls, and are named."""

import re

import numpy as np
import pytest
import torch
from torch import nn

from hvit_edge.errors import LoweringError
from hvit_edge.lowering import NATIVE_PIPELINE, export_graph, rewrite
from hvit_edge.quantize.int8 import quantize_int8
from hvit_edge.quantize.layers import find_layers
from hvit_edge.targets.native.lower import lower
from hvit_edge.targets.native.runtime import native_step
from hvit_edge.targets.native.values import Number

FLOAT = 1e-6
IMAGE = torch.randn(1, 3, 6, 6, generator=torch.Generator().manual_seed(0))


class Between(nn.Module):
    """A function of tokens between a convolution and a linear layer."""

    def __init__(self, function) -> None:
        super().__init__()
        self.function = function
        self.first, self.last = nn.Conv2d(3, 8, 3, padding=1), nn.Linear(8, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.function(self.first(x).flatten(2).transpose(1, 2)))


def _one_hot(x: torch.Tensor) -> torch.Tensor:
    return x * nn.functional.one_hot(x.argmax(-1), 8).float()


def _where_last_is_largest(x: torch.Tensor) -> torch.Tensor:
    return torch.where(x.argmax(-1, keepdim=True) == 7, 1.0, x)


def _both(x: torch.Tensor) -> torch.Tensor:
    """Two values leave the first segment, two arrive at the second."""
    return torch.atan2(x, x.sigmoid() + 1) * x.relu() + x.mean(1, keepdim=True)


def _twice(x: torch.Tensor) -> torch.Tensor:
    return torch.atan2(torch.atan2(x, x * 2 + 1).exp(), x + 3)


CASES = {
    "largest values": (lambda x: x.topk(4, 1)[0], 2, ["topk"]),
    "values and indices": (lambda x: x.gather(1, x.topk(9, 1)[1]), 2, ["topk", "gather"]),
    "sorted": (lambda x: x.sort(1)[0], 2, ["topk"]),
    "an angle": (lambda x: torch.atan2(x, x + 1), 2, ["atan2"]),
    "several values": (_both, 2, ["atan2"]),
    "twice": (_twice, 3, ["atan2", "atan2"]),
    "one after another": (lambda x: x.topk(9, 1)[0].topk(4, 1)[0], 2, ["topk", "topk"]),
    "integers": (_one_hot, 2, ["argmax", "one_hot", "to"]),
    "truth values": (_where_last_is_largest, 2, ["argmax", "eq", "where"]),
    "nothing": (lambda x: x.relu(), 1, []),
}


def lowered(module: nn.Module, *inputs: torch.Tensor, number: Number = Number.FLOAT32):
    graph = export_graph(module.eval(), inputs)
    rewrite(graph, passes=NATIVE_PIPELINE)
    return lower(graph, inputs, number, whole=False)


@pytest.mark.slow
@pytest.mark.full_runtime
@pytest.mark.parametrize("name", CASES)
def test_left_outside(name):
    function, delegates, outside = CASES[name]
    torch.manual_seed(0)
    module = Between(function)
    program = lowered(module, IMAGE)
    assert [op.op.split(".")[1] for op in program.ops_outside] == outside
    assert program.delegates == delegates
    assert all(op.reason for op in program.ops_outside)
    assert program.delegated_share == 1 - len(outside) / program.ops_total
    with torch.inference_mode():
        expected = module.double()(IMAGE.double()).numpy()
    error = np.abs(native_step(program)(IMAGE.numpy()) - expected).max()
    assert error < FLOAT * np.abs(expected).max()


@pytest.mark.full_runtime
def test_in_int8_and_float16():
    torch.manual_seed(0)
    module = Between(lambda x: torch.atan2(x, x + 3))
    with torch.inference_mode():
        expected = module.eval()(IMAGE).numpy()
    graph = export_graph(module, (IMAGE,))
    rewrite(graph, passes=NATIVE_PIPELINE)
    quantize_int8(graph, [layer for layer in find_layers(graph) if layer.is_linear])
    for program in (
        lower(graph, (IMAGE,), whole=False),
        lowered(module, IMAGE, number=Number.FLOAT16),
    ):
        assert program.delegates == 2
        error = np.abs(native_step(program)(IMAGE.numpy()) - expected).max()
        assert error < 2e-2 * np.abs(expected).max()


def _unknown(x: torch.Tensor) -> torch.Tensor:
    return x.cummax(-1)[0] + torch.fft.fft2(x, s=(513, 8)).real[:, : x.shape[1], : x.shape[2]]


def test_operators_without_a_kernel_are_named_with_their_lines():
    program = lowered(Between(_unknown), IMAGE)
    with pytest.raises(LoweringError) as refused:
        program.serialize()
    said = str(refused.value)
    for name in ("aten::cummax", "aten::_fft_c2c"):
        assert re.search(rf"\n  {name} at .*test_fallback.py:\d+: return self.last", said)
    assert "got aten::cummax in the root module, aten::_fft_c2c;" in said
    assert "matrices of cosines and sines" in said


def test_several_inputs_and_outputs():
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.left, self.right = nn.Linear(4, 8), nn.Linear(5, 8)

        def forward(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            both = self.left(x) * self.right(y)
            return both, torch.relu(both).sum(-1)

    program = lowered(Two(), torch.randn(2, 4), torch.randn(2, 5))
    assert program.delegates == 1 and program.ops_outside == []
    assert program.serialize()


def test_operators_that_a_user_registered_are_refused_all_at_once():
    library = torch.library.Library("hvit_edge_test_fallback", "DEF")
    for name in ("twice", "thrice"):
        library.define(f"{name}(Tensor x) -> Tensor")
        library.impl(name, lambda x: x * 2, "CPU")
        torch.library.register_fake(
            f"hvit_edge_test_fallback::{name}", torch.empty_like, lib=library
        )
    own = torch.ops.hvit_edge_test_fallback
    with pytest.raises(LoweringError, match="expected operators of PyTorch.*got 2 that") as refused:
        lowered(Between(lambda x: own.twice(x) + own.thrice(x)), IMAGE)
    for name in ("twice", "thrice"):
        assert f"hvit_edge_test_fallback.{name}.default in the root module, at " in str(
            refused.value
        )
