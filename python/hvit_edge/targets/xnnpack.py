"""Lower a rewritten graph for the XNNPACK delegate, which runs on any CPU."""

from __future__ import annotations

from dataclasses import replace

import torch
from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
from torch.fx import GraphModule

from hvit_edge.targets.delegate import Lowered, lower_to
from hvit_edge.targets.xnnpack_modules import recorded_modules
from hvit_edge.targets.xnnpack_moves import merged_moves


def lower(graph: GraphModule, example_inputs: tuple[torch.Tensor, ...]) -> Lowered:
    """Lower `graph` for XNNPACK; arguments and errors are those of `lower_to`."""
    with recorded_modules() as recorded, merged_moves():
        lowered = lower_to(XnnpackPartitioner(), graph, example_inputs)
    # Of several delegates nothing says which one runs first.
    return replace(lowered, operators=recorded[0]) if len(recorded) == 1 else lowered
