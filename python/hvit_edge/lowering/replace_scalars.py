"""Replace numbers in element-wise arithmetic with constants of one element.

Identity:   f(x, 0.5) = f(x, [0.5])

    x -> mul(0.5) -> y        x, [0.5] -> mul -> y
    x -> rsub(0.5) -> y       [0.5], x -> sub -> y

Preconditions: add, sub, rsub, mul or div of a floating-point tensor and a number, alpha 1.
Bit-equal if the tensor's dtype represents the number exactly.
"""

import torch
from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import Editor, aten, nodes_calling

ARITHMETIC = {
    aten.add.Tensor: aten.add.Tensor,
    aten.add.Scalar: aten.add.Tensor,
    aten.sub.Tensor: aten.sub.Tensor,
    aten.sub.Scalar: aten.sub.Tensor,
    aten.rsub.Scalar: aten.sub.Tensor,
    aten.mul.Tensor: aten.mul.Tensor,
    aten.mul.Scalar: aten.mul.Tensor,
    aten.div.Tensor: aten.div.Tensor,
    aten.div.Scalar: aten.div.Tensor,
}


def replace_scalars(graph: GraphModule) -> bool:
    """Apply the rewrite. Return True if it changed the graph."""
    modified = False
    for node in nodes_calling(graph, *ARITHMETIC):
        if any(isinstance(a, Node) for a in node.args[1:]) or node.kwargs or len(node.args) != 2:
            continue
        if not node.meta["val"].dtype.is_floating_point:
            continue
        edit = Editor(graph, node)
        number = torch.tensor([node.args[1]], dtype=torch.float64)
        constant = edit.constant_like(f"{node.name}_scalar", number, node)
        operands = [node.args[0], constant]
        if node.target is aten.rsub.Scalar:
            operands.reverse()
        edit.replace(edit.call(ARITHMETIC[node.target], *operands))
        modified = True
    return modified
