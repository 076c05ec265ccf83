"""Tests an operator: lower a small module, run it in the C++ runtime, compare with eager.

The reference computes in float64. A program takes [1, 3, height, width], so an input of any other
shape is cut from such an image: views of the input cost nothing.
"""

import copy
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn

from hvit_edge.lowering import NATIVE_PIPELINE, export_graph, rewrite
from hvit_edge.targets.native.lower import lower
from hvit_edge.targets.native.runtime import native_step
from hvit_edge.targets.native.values import Number

WIDTH = 32  # of the images that inputs are cut from


class Call(nn.Module):
    """A function as a module, with the modules that it uses."""

    def __init__(self, function: Callable[..., torch.Tensor], **modules: nn.Module) -> None:
        super().__init__()
        self.function = function
        for name, module in modules.items():
            self.add_module(name, module)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(x, **dict(self.named_children()))


class Cut(nn.Module):
    """The first values of an image, in another shape, through `inner`."""

    def __init__(self, inner: nn.Module, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.inner, self.shape = inner, shape

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.inner(image.reshape(-1)[: math.prod(self.shape)].reshape(self.shape))


@dataclass(frozen=True)
class Ran:
    """Holds the results of a module.

    Attributes:
        error: largest difference from float64, relative to its largest absolute value.
        kinds: how often the program runs each kind of operation.
        output: float32, as the runtime gave it.
        expected: float64, as eager PyTorch gave it.
    """

    error: float
    kinds: Counter
    output: np.ndarray
    expected: np.ndarray


def as_image(module: nn.Module, x: torch.Tensor) -> tuple[nn.Module, torch.Tensor]:
    """The module and its input such that the input is an image."""
    if x.dim() == 4 and x.shape[:2] == (1, 3):
        return module, x
    height = -(-x.numel() // (3 * WIDTH))
    flat = torch.cat([x.reshape(-1), torch.zeros(3 * height * WIDTH - x.numel())])
    return Cut(module, tuple(x.shape)), flat.reshape(1, 3, height, WIDTH)


@pytest.fixture
def call() -> type[Call]:
    return Call


@pytest.fixture
def lowered():
    """`(module, x) -> Lowered` and the image that it takes."""

    def make(module: nn.Module, x: torch.Tensor, number: Number = Number.FLOAT32):
        module, image = as_image(module, x)
        graph = export_graph(module.eval(), (image,))
        rewrite(graph, passes=NATIVE_PIPELINE)
        return lower(graph, (image,), number), image

    return make


@pytest.fixture
def run_native(lowered):
    """`(module, x) -> Ran`: through a program in the C++ runtime, and in float64."""

    def run(module: nn.Module, x: torch.Tensor, number: Number = Number.FLOAT32) -> Ran:
        program, image = lowered(module, x, number)
        output = native_step(program)(image.numpy())
        with torch.inference_mode():
            expected = copy.deepcopy(module).double()(x.double()).numpy()
        assert output.shape == expected.shape
        with np.errstate(invalid="ignore"):  # infinite in both, or nothing but zeros
            error = np.abs(output - expected).max() / np.abs(expected).max()
        kinds = Counter(operator.kind for operator in program.operators)
        return Ran(float(error), kinds, output, expected)

    return run


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


class Each(nn.Module):
    """Runs each module on its part of one flat tensor, and concatenates all outputs."""

    def __init__(self, cases: dict[str, tuple[nn.Module, tuple[int, ...]]]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(module for module, _ in cases.values())
        self.shapes = [shape for _, shape in cases.values()]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([output.reshape(-1) for output in self.outputs(x)]).reshape(1, -1)

    def outputs(self, x: torch.Tensor) -> list[torch.Tensor]:
        sizes = [math.prod(shape) for shape in self.shapes]
        inputs = x.reshape(-1).split(sizes)
        return [
            part(one.reshape(shape))
            for part, one, shape in zip(self.parts, inputs, self.shapes, strict=True)
        ]


@pytest.fixture
def run_each(lowered):
    """`(cases, number) -> {name: Ran}`: all of them in one program, each judged by itself.

    Cases are `name: (function or module, shape)`, or with a tensor in place of the shape.
    """

    def run(cases, number: Number = Number.FLOAT32, spread: float = 1.0) -> dict[str, Ran]:
        modules = {
            name: (part if isinstance(part, nn.Module) else Call(part), tuple(given))
            for name, (part, given) in (
                (name, (part, given.shape if isinstance(given, torch.Tensor) else given))
                for name, (part, given) in cases.items()
            )
        }
        inputs = [
            given if isinstance(given, torch.Tensor) else spread * torch.randn(given)
            for _, given in cases.values()
        ]
        x = torch.cat([one.reshape(-1) for one in inputs]).half().float().reshape(1, -1)
        module = Each(modules).eval()
        program, image = lowered(module, x, number)
        output = native_step(program)(image.numpy()).reshape(-1)
        with torch.inference_mode():
            every = copy.deepcopy(module).double().outputs(x.double())
        found, start = {}, 0
        for index, (name, expected) in enumerate(zip(modules, every, strict=True)):
            expected = expected.numpy()
            part = output[start : start + expected.size].reshape(expected.shape)
            start += expected.size
            with np.errstate(invalid="ignore"):  # infinite in both, or nothing but zeros
                error = np.abs(part - expected).max() / np.abs(expected).max()
            within = f"parts.{index}"
            kinds = Counter(
                operator.kind
                for operator in program.operators
                if f"{operator.module}.".endswith(f"{within}.") or f"{within}." in operator.module
            )
            found[name] = Ran(float(error), kinds, part, expected)
        return found

    return run
