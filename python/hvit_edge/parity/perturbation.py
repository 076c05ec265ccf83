"""How much the rounding of floating-point arithmetic alone moves a graph's answers.

Two programs that add in another order differ by a unit in the last place, and each int8 layer turns
some of these differences into a whole step. What comes of it is measured: the graph runs once more
with every floating-point result changed at random by as much as the program's arithmetic may err.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.fx import GraphModule, Node

from hvit_edge.quantize.half import HalfStorage

UNIT = {torch.float32: 1e-6, torch.float16: 2.0**-11}
"""Relative error of a result: a few float32 roundings of a sum, or one rounding to float16."""

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
    run = _Perturbed(graph, UNIT[number])
    with torch.inference_mode():
        return [run.run(torch.from_numpy(array)).numpy() for array in inputs]


class _Perturbed(HalfStorage):
    """Runs a graph whose floating-point results err at random."""

    def __init__(self, graph: GraphModule, unit: float) -> None:
        super().__init__(graph)
        self.unit = unit
        self.random = torch.Generator().manual_seed(SEED)

    def run_node(self, node: Node) -> object:
        result = super().run_node(node)
        if node.op != "call_function" or not isinstance(result, torch.Tensor):
            return result
        if not result.is_floating_point():
            return result
        error = 2 * torch.rand(result.shape, generator=self.random) - 1
        return (result * (1 + self.unit * error)).to(result.dtype)
