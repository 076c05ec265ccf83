"""Average before a 1x1 convolution instead of after it.

Identity:   mean_i(W x_i + b) = W mean_i(x_i) + b

    avg_pool2d(conv2d(x, W, b), k, s)        conv2d(avg_pool2d(x, k, s), W, b)

Preconditions: W is 1x1 with stride 1, no padding and one group; the pool has no padding and divides
by the size of its window; the convolution has no other user. Exact up to the order of summation.
The convolution then computes one pixel per window: 16 times less work in the first stage of the
Conformer (FCUDown, https://arxiv.org/abs/2105.03889).
"""

from __future__ import annotations

from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import Editor, argument, aten, is_call, nodes_calling, shape_of


def pool_before_projection(graph: GraphModule) -> bool:
    """Apply the rewrite. Return True if it changed the graph."""
    modified = False
    for pool in nodes_calling(graph, aten.avg_pool2d.default):
        projection = pool.args[0]
        if not is_call(projection, aten.conv2d.default) or len(projection.users) > 1:
            continue
        if not _is_pointwise(projection) or not _averages_windows(pool):
            continue
        edit = Editor(graph, pool)
        pooled = edit.call(pool.target, projection.args[0], *pool.args[1:], **pool.kwargs)
        edit.replace(
            edit.call(projection.target, pooled, *projection.args[1:], **projection.kwargs)
        )
        modified = True
    return modified


def _is_pointwise(convolution: Node) -> bool:
    """Return True if each output pixel reads the input pixel at its own position."""
    kernel = shape_of(convolution.args[1])[2:]
    same = shape_of(convolution)[2:] == shape_of(convolution.args[0])[2:]
    return kernel == [1, 1] and same and argument(convolution, 6, "groups", 1) == 1


def _averages_windows(pool: Node) -> bool:
    """Return True if each output is the mean of one complete window."""
    padding = argument(pool, 3, "padding", 0)
    padded = any(padding) if isinstance(padding, list | tuple) else padding != 0
    ceil_mode = argument(pool, 4, "ceil_mode", False)
    return not padded and not ceil_mode and argument(pool, 6, "divisor_override") is None
