"""Remove the taps of convolutions that only ever read padding.

Identity:   a tap at t * dilation reads row y * stride - padding + t * dilation for output y. If all
            of these rows are outside of the map, it multiplies zeros.

    conv2d(x [.., 16, 16], W [.., 3, 3], padding=18, dilation=18)  ->  conv2d(x, W[.., 1:2, 1:2])

Such convolutions come from atrous pyramids on small maps. Preconditions: constant weights, static
sizes, numeric padding, and as many such taps at the end of a side as at its beginning. Exact: no
number is computed in another way.
"""

from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import (
    Editor,
    argument,
    aten,
    has_constant_weights,
    is_static,
    layer_constants,
    nodes_calling,
    repeated,
    shape_of,
)


def trim_kernels(graph: GraphModule) -> bool:
    """Apply the rewrite. Return True if it changed the graph."""
    modified = False
    for node in nodes_calling(graph, aten.conv2d.default):
        if not has_constant_weights(node) or not (is_static(node) and is_static(node.args[0])):
            continue
        trimmed = [_useless_taps(node, axis) for axis in (0, 1)]
        if any(trimmed):
            _trim(graph, node, trimmed)
            modified = True
    return modified


def _options(node: Node) -> tuple[list[int], list[int], list[int]]:
    """Return stride, padding and dilation of a convolution, down and across."""
    given = ((3, "stride", 1), (4, "padding", 0), (5, "dilation", 1))
    stride, padding, dilation = (repeated(argument(node, *each), 2) for each in given)
    return stride, padding, dilation


def _useless_taps(node: Node, axis: int) -> int:
    """Return how many taps at the beginning of a side, and as many at its end, read only zeros."""
    stride, padding, dilation = (option[axis] for option in _options(node))
    taps, size = shape_of(node.args[1])[2 + axis], shape_of(node.args[0])[2 + axis]
    outputs = shape_of(node)[2 + axis]
    last = (outputs - 1) * stride - padding  # the row that the first tap reads for the last output
    count = 0
    while (
        2 * (count + 1) < taps
        and last + count * dilation < 0
        and (taps - 1 - count) * dilation - padding >= size
        and padding >= (count + 1) * dilation
    ):
        count += 1
    return count


def _trim(graph: GraphModule, node: Node, trimmed: list[int]) -> None:
    """Replace a convolution by one without the given number of taps at both ends of a side."""
    stride, padding, dilation = _options(node)
    weight, bias = layer_constants(graph, node)
    for axis, count in enumerate(trimmed):
        kept = weight.shape[2 + axis] - 2 * count
        weight = weight.narrow(2 + axis, count, kept)
        padding[axis] -= count * dilation[axis]
        dilation[axis] = dilation[axis] if kept > 1 else 1
    edit = Editor(graph, node)
    constants = [edit.constant_like(f"{node.name}_weight", weight.contiguous(), node), None]
    if bias is not None:
        constants[1] = edit.constant_like(f"{node.name}_bias", bias, node)
    groups = argument(node, 6, "groups", 1)
    options = (stride, padding, dilation, groups)
    edit.replace(edit.call(node.target, node.args[0], *constants, *options))
