"""Write operators out that neither a delegate nor a kernel of the runtime runs."""

from __future__ import annotations

from collections.abc import Container

from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import aten
from hvit_edge.targets.definitions import DEFINITIONS
from hvit_edge.targets.kernels import has_kernel
from hvit_edge.targets.write_out import write_out

KERNELS = {aten.grid_sampler.default: "aten::grid_sampler_2d"}
"""The kernels of composite operators: the operators that PyTorch calls for them."""


def write_out_kernelless(graph: GraphModule, known: Container[object] = ()) -> bool:
    """Replace operators that have a definition and no kernel, in place.

    Args:
        graph: rewritten.
        known: operators that a delegate runs.

    Returns:
        Whether any was replaced.
    """

    def runs(node: Node) -> bool:
        return (
            node.target in known
            or node.target not in DEFINITIONS
            or has_kernel(KERNELS.get(node.target, node.target._schema.name))
        )

    return write_out(graph, known, runs)
