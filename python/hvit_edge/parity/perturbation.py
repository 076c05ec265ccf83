"""Measure how much rounding errors of floating-point arithmetic change the answers of a graph.

Two programs that add in different orders differ by a unit in the last place. Each int8 layer turns
some of these differences into a complete step. To measure the effect, the graph runs once more, and
every floating-point result is changed at random by the possible error of the program's arithmetic.

Few values are so close to the border between two steps. In a small network there may be none in one
run, and one in the next. Therefore each int8 layer reads one value that is a complete step away, in
every run.
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
"""Absolute error of the smallest results: half of the smallest float16 number."""

SEED = 0


def perturbed_outputs(
    graph: GraphModule, inputs: Sequence[np.ndarray], number: torch.dtype
) -> list[np.ndarray]:
    """Return the answers of the graph with random errors in all arithmetic.

    Args:
        graph: the graph from `quantize`.
        inputs: inputs of the graph.
        number: dtype of all numbers that are not int8, float32 or float16.
    """
    run = Perturbed(graph, number)
    with torch.inference_mode():
        return [run.run(torch.from_numpy(array)).numpy() for array in inputs]


class Perturbed(HalfStorage):
    """Runs a graph with random errors in all floating-point results.

    Args:
        graph, number: see `perturbed_outputs`.
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
        error = torch.rand(values.shape, generator=self.random).mul_(2).sub_(1)
        least = self.least * error if self.least else 0.0
        factor = error.mul_(self.unit).add_(1)
        return (values * factor + least).to(values.dtype)

    def fetch_args_kwargs_from_env(self, node: Node) -> tuple[tuple, dict]:
        args, kwargs = super().fetch_args_kwargs_from_env(node)
        if node.target in INT8_OPERATORS:
            args = (self._stepped(args[0], node.target), *args[1:])
        elif node.target is ops.quantize_per_tensor.default:
            args = (self._moved(args[0].reshape(1, -1), args[1]).reshape(args[0].shape), *args[1:])
        return args, kwargs

    def _stepped(self, x: torch.Tensor, layer: object) -> torch.Tensor:
        """Return the input of an int8 layer with one value moved by a step of its row."""
        features_last = x.movedim(1, -1) if layer is POINTWISE else x
        features = x.numel() if layer is CONV2D else features_last.shape[-1]
        moved = self._moved(features_last.reshape(-1, features), None)
        moved = moved.reshape(features_last.shape)
        return moved.movedim(-1, 1) if layer is POINTWISE else moved

    def _moved(self, rows: torch.Tensor, step: float | None) -> torch.Tensor:
        """Return `rows` [rows, values] with one value moved by `step`.

        With None, the step follows from the range of the row.
        """
        row, column = (int(torch.randint(size, (1,), generator=self.random)) for size in rows.shape)
        if step is None:
            low, high = rows[row].min().clamp(max=0), rows[row].max().clamp(min=0)
            step = float(high - low) / (QMAX - QMIN)
        moved = rows.clone()
        moved[row, column] += step
        return moved
