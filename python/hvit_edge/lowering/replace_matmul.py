"""Replace matmul by a linear or a three-dimensional bmm.

Identity:   matmul(a, b)[i..., :, :] = a[i..., :, :] b[i..., :, :]

    a [..., n, k], constant b [k, m]    matmul(a, b)      linear(a, b^T)
    a [i..., n, k], b [i..., k, m]      matmul(a, b)      reshape both -> bmm -> reshape

Preconditions: the second operand is a constant matrix; or both have the same leading dimensions.
Exact up to the order of summation. XNNPACK multiplies tensors of rank three; the default
decomposition expands both operands first, which no delegate takes.
"""

import math

from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import (
    Editor,
    aten,
    constant_tensor,
    is_constant,
    nodes_calling,
    shape_of,
)


def replace_matmul(graph: GraphModule) -> bool:
    """Apply the rewrite; returns whether anything changed."""
    modified = False
    for node in nodes_calling(graph, aten.matmul.default, aten.mm.default):
        left, right = node.args
        edit = Editor(graph, node)
        if is_constant(right) and len(shape_of(right)) == 2:
            weight = constant_tensor(graph, right).t()
            edit.replace(edit.call(aten.linear.default, left, edit.constant(right.name, weight)))
        elif len(shape_of(left)) > 2 and shape_of(left)[:-2] == shape_of(right)[:-2]:
            edit.replace(_batched(edit, left, right))
        else:
            continue
        modified = True
    return modified


def _batched(edit: Editor, left: Node, right: Node) -> Node:
    *batch, rows, inner = shape_of(left)
    columns, count = shape_of(right)[-1], math.prod(batch)
    product = edit.call(
        aten.bmm.default,
        edit.reshape(left, [count, rows, inner]),
        edit.reshape(right, [count, inner, columns]),
    )
    return edit.reshape(product, [*batch, rows, columns])
