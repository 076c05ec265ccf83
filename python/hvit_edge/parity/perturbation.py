"""How much the rounding of floating-point arithmetic alone moves a graph's answers.

Two programs that add in another order differ by a unit in the last place, and each int8 layer turns
some of these differences into a whole step. What comes of it is measured: the graph runs once more
with every floating-point result changed at random by as much as the program's arithmetic may err.

Few values come as near to the border between two steps: in a small network none may in one run, and
one in the next. So each int8 layer reads one value that is a whole step away, in every run.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.fx import GraphModule, Node

from hvit_edge.quantize.half import HalfStorage
from hvit_edge.quantize.insert import ops
from hvit_edge.quantize.int8_operators import CONV2D, INT8_OPERATORS, POINTWISE
from hvit_edge.quantize.ranges import QMAX, QMIN

UNIT = {torch.float32: 1e-6, torch.float16: 2.0**-11}
"""Relative error of a result: a few float32 roundings of a sum, or one rounding to float16."""

LEAST = {torch.float32: 0.0, torch.float16: 2.0**-25}
"""Absolute error of the smallest results: half of the smallest step of float16."""

SEED = 0


def perturbed_outputs(
    graph: GraphModule, inputs: Sequence[np.ndarray], number: torch.dtype
) -> list[np.ndarray]:
    """Return what the graph answers if all arithmetic errs.

    Args:
        graph: what the program computes, as `quantize` made it.
        inputs: as the graph takes them.
        number: what the program computes in where it is not int8.
    """
    run = Perturbed(graph, number)
    with torch.inference_mode():
        return [run.run(torch.from_numpy(array)).numpy() for array in inputs]


class Perturbed(HalfStorage):
    """Runs a graph whose floating-point results err at random.

    Args:
        graph, number: as for `perturbed_outputs`.
    """

    def __init__(self, graph: GraphModule, number: torch.dtype) -> None:
        super().__init__(graph)
        self.unit, self.least = UNIT[number], LEAST[number]
        self.random = torch.Generator().manual_seed(SEED)

    def run_node(self, node: Node) -> object:
        result = super().run_node(node)
        if node.op != "call_function" or not isinstance(result, torch.Tensor):
            return result
        if not result.is_floating_point():
            return result
        return self.erring(result)

    def erring(self, values: torch.Tensor) -> torch.Tensor:
        """Return floating-point values changed at random."""
        error = 2 * torch.rand(values.shape, generator=self.random) - 1
        return (values * (1 + self.unit * error) + self.least * error).to(values.dtype)

    def fetch_args_kwargs_from_env(self, node: Node) -> tuple[tuple, dict]:
        args, kwargs = super().fetch_args_kwargs_from_env(node)
        if node.target in INT8_OPERATORS:
            args = (self._stepped(args[0], node.target), *args[1:])
        elif node.target is ops.quantize_per_tensor.default:
            args = (self._moved(args[0].reshape(1, -1), args[1]).reshape(args[0].shape), *args[1:])
        return args, kwargs

    def _stepped(self, x: torch.Tensor, layer: object) -> torch.Tensor:
        """What an int8 layer reads, one value of it a step of its row away."""
        features_last = x.movedim(1, -1) if layer is POINTWISE else x
        features = x.numel() if layer is CONV2D else features_last.shape[-1]
        moved = self._moved(features_last.reshape(-1, features), None)
        moved = moved.reshape(features_last.shape)
        return moved.movedim(-1, 1) if layer is POINTWISE else moved

    def _moved(self, rows: torch.Tensor, step: float | None) -> torch.Tensor:
        """`rows` [rows, values] with one value moved by `step`; None is that of its row's range."""
        row, column = (int(torch.randint(size, (1,), generator=self.random)) for size in rows.shape)
        if step is None:
            low, high = rows[row].min().clamp(max=0), rows[row].max().clamp(min=0)
            step = float(high - low) / (QMAX - QMIN)
        moved = rows.clone()
        moved[row, column] += step
        return moved
