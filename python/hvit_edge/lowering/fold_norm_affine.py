"""Fold the scale and shift of a layer norm into the linears and convolutions that read it.

Identity:   linear(n * gamma + beta, W, b) = linear(n, W * gamma, b + W beta), and the same for a
            convolution without padding, whose weights of channel c are multiplied by gamma[c]

    x -> layer_norm(gamma, beta) -> linear(W, b) -> y      x -> layer_norm() -> linear(W', b') -> y

Preconditions: every reader of the norm is a linear or an unpadded, ungrouped convolution with
constant weights. Only reshapes, permutes, rolls and slices that keep all channels are between the
norm and its readers. Folded in float64, exact up to one rounding of each weight.
"""

from __future__ import annotations

import math

from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import (
    Editor,
    argument,
    aten,
    constant_tensor,
    has_constant_weights,
    layer_constants,
    nodes_calling,
    rank_of,
    shape_of,
)


def fold_norm_affine(graph: GraphModule) -> bool:
    """Apply the rewrite. Return True if it changed the graph."""
    modified = False
    for node in nodes_calling(graph, aten.layer_norm.default):
        gamma, beta = argument(node, 2, "weight"), argument(node, 3, "bias")
        last_alone = list(node.args[1]) == shape_of(node)[-1:]
        readers = _readers(node, rank_of(node) - 1)
        if gamma is None or not last_alone or not readers:
            continue
        for reader in readers:
            _fold_into(graph, reader, gamma, beta)
        edit = Editor(graph, node)
        epsilon = argument(node, 4, "eps", 1e-5)
        plain = edit.call(aten.layer_norm.default, *node.args[:2], None, None, epsilon)
        edit.replace(plain)
        modified = True
    return modified


def _readers(node: Node, channel: int) -> list[Node] | None:
    """Return the linears and convolutions after `node`, or None if anything else reads it.

    `channel` is the dimension of the channels in `node`.
    """
    readers: list[Node] = []
    for user in node.users:
        if _takes_channels(user, node, channel):
            readers.append(user)
            continue
        moved = _channel_after(user, node, channel)
        following = None if moved is None else _readers(user, moved)
        if following is None:
            return None
        readers += following
    return readers or None


def _takes_channels(user: Node, node: Node, channel: int) -> bool:
    """Return True if `user` is a linear or convolution that sums over the channels of `node`."""
    if user.op != "call_function" or user.args[0] is not node or not has_constant_weights(user):
        return False
    if user.target is aten.linear.default:
        return channel == rank_of(node) - 1
    if user.target is aten.conv2d.default:
        unpadded = not any(argument(user, 4, "padding", (0,)))
        return channel == 1 and unpadded and argument(user, 6, "groups", 1) == 1
    return False


def _channel_after(user: Node, node: Node, channel: int) -> int | None:
    """Return the dimension of the channels of `node` in `user`, or None if some are dropped."""
    if user.target is aten.permute.default:
        return [dim % rank_of(user) for dim in user.args[1]].index(channel)
    if user.target is aten.roll.default:
        dims = [dim % rank_of(user) for dim in argument(user, 2, "dims", [])]
        return channel if dims and channel not in dims else None
    if user.target is aten.slice.Tensor:
        return channel if argument(user, 1, "dim", 0) % rank_of(user) != channel else None
    if user.target is aten.reshape.default:
        before, length = math.prod(shape_of(node)[:channel]), shape_of(node)[channel]
        return next(
            (
                dim
                for dim, new_length in enumerate(shape_of(user))
                if new_length == length and math.prod(shape_of(user)[:dim]) == before
            ),
            None,
        )
    return None


def _fold_into(graph: GraphModule, reader: Node, gamma: Node, beta: Node | None) -> None:
    """Give `reader` weights and a bias that include the scale and shift of the norm."""
    edit = Editor(graph, reader)
    weight, bias = layer_constants(graph, reader)
    scale = constant_tensor(graph, gamma).double()
    per_channel = [1, -1] + [1] * (weight.dim() - 2)
    if beta is not None:
        shift = constant_tensor(graph, beta).double().reshape(per_channel)
        total = (weight * shift).flatten(1).sum(1)
        bias = total if bias is None else total + bias
    edit.replace(edit.layer(reader, weight * scale.reshape(per_channel), bias))
