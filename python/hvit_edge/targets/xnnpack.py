"""Lower a rewritten graph for the XNNPACK delegate, which runs on any CPU."""

from __future__ import annotations

import torch
from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
from torch.fx import GraphModule

from hvit_edge.targets.delegate import Lowered, lower_to
from hvit_edge.targets.xnnpack_moves import merged_moves


def lower(graph: GraphModule, example_inputs: tuple[torch.Tensor, ...]) -> Lowered:
    """Lower `graph` for XNNPACK; arguments and errors are those of `lower_to`."""
    with merged_moves():
        return lower_to(XnnpackPartitioner(), graph, example_inputs)
