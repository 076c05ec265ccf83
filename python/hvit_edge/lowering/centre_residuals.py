"""Give a residual stream a mean of zero, so that its norms need not subtract the mean.

Identity:   layer_norm(x) = rms_norm(x - mean(x)),    linear(x, W, b) - mean(linear(x, W, b))
            = linear(x, W - mean(W), b - mean(b)), the mean over output channels; the same for a
            convolution

    x -> linear(W, b) -> add(stream) -> layer_norm -> y
    x -> linear(W', b') -> add(stream) -> rms_norm -> y

A stream is a set of nodes that additions, reshapes and permutes connect.

Preconditions: every writer of the stream is a linear or an ungrouped convolution with constant
weights; every reader is a layer norm over the channels, or a node of the stream; additions add
equal channels; a norm normalizes all channels of one position, even after views. Folded in float64,
exact up to one rounding of each weight.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import (
    Editor,
    argument,
    aten,
    has_constant_weights,
    is_call,
    layer_constants,
    nodes_calling,
    shape_of,
)

VIEWS = (aten.reshape.default, aten.permute.default)


@dataclass
class Stream:
    """Holds the nodes of one stream; `inside` are its additions and views."""

    writers: set[Node] = field(default_factory=set)
    inside: set[Node] = field(default_factory=set)
    norms: set[Node] = field(default_factory=set)


def centre_residuals(graph: GraphModule) -> bool:
    """Apply the rewrite. Return True if it changed the graph."""
    modified = False
    for node in nodes_calling(graph, aten.layer_norm.default):
        stream = _stream_of(node)
        if stream is None or not _channels_agree(graph, stream):
            continue
        for writer in stream.writers:
            _center(Editor(graph, writer), writer)
        for norm in stream.norms:
            edit = Editor(graph, norm)
            edit.replace(_without_average(edit, norm))
        modified = True
    return modified


def _without_average(edit: Editor, norm: Node) -> Node:
    weight, bias = argument(norm, 2, "weight"), argument(norm, 3, "bias")
    epsilon = argument(norm, 4, "eps", 1e-5)
    plain = edit.call(aten.rms_norm.default, *norm.args[:2], weight, epsilon)
    return plain if bias is None else edit.call(aten.add.Tensor, plain, bias)


def _stream_of(norm: Node) -> Stream | None:
    """Return the stream that `norm` reads, or None if it contains any other kind of node."""
    stream = Stream()
    open_ends = [norm.args[0]]
    while open_ends:
        node = open_ends.pop()
        if node in stream.inside or node in stream.writers:
            continue
        if _writes(node):
            stream.writers.add(node)
        elif _joins(node):
            stream.inside.add(node)
            open_ends += node.all_input_nodes
        else:
            return None
        for user in node.users:
            if _is_norm_of(user, node):
                stream.norms.add(user)
            else:
                open_ends.append(user)
    return stream


def _writes(node: Node) -> bool:
    if is_call(node, aten.linear.default):
        return has_constant_weights(node)
    is_map = is_call(node, aten.conv2d.default) and argument(node, 6, "groups", 1) == 1
    return is_map and has_constant_weights(node)


def _joins(node: Node) -> bool:
    if is_call(node, aten.add.Tensor):
        terms = node.args[:2]
        return not node.kwargs and all(
            isinstance(term, Node) and shape_of(term) == shape_of(node) for term in terms
        )
    return is_call(node, *VIEWS)


def _is_norm_of(user: Node, node: Node) -> bool:
    return (
        is_call(user, aten.layer_norm.default)
        and user.args[0] is node
        and list(user.args[1]) == shape_of(node)[-1:]
    )


@dataclass(frozen=True)
class Origin:
    """Holds the channel of each element of a tensor, and its position in each writer."""

    channels: torch.Tensor
    positions: tuple[torch.Tensor, ...]

    def moved(self, view: Node) -> Origin:
        channels, *positions = (
            view.target(tensor, *view.args[1:]) for tensor in (self.channels, *self.positions)
        )
        return Origin(channels, tuple(positions))

    def normalizes_whole_positions(self) -> bool:
        """Return True if each row of the last dimension holds all channels of one position once."""
        rows = self.channels.sort(-1).values
        whole = bool((rows == torch.arange(rows.shape[-1])).all())
        return whole and all(bool((p == p[..., :1]).all()) for p in self.positions)


def _channels_agree(graph: GraphModule, stream: Stream) -> bool:
    """Return True if additions add equal channels, and norms normalize complete positions."""
    origins: dict[Node, Origin] = {}
    for node in graph.graph.nodes:
        if node in stream.writers:
            origins[node] = _own_origin(node)
        elif node in stream.inside:
            if not all(source in origins for source in node.all_input_nodes):
                return False  # a writer of the stream reads it
            first, *others = [origins[source] for source in node.all_input_nodes]
            if not all(torch.equal(first.channels, other.channels) for other in others):
                return False
            if is_call(node, *VIEWS):
                origins[node] = first.moved(node)
            else:
                positions = sum((other.positions for other in others), first.positions)
                origins[node] = Origin(first.channels, positions)
    return all(origins[norm.args[0]].normalizes_whole_positions() for norm in stream.norms)


def _own_origin(writer: Node) -> Origin:
    shape = shape_of(writer)
    dim = len(shape) - 1 if is_call(writer, aten.linear.default) else len(shape) - 3
    numbers = torch.arange(shape[dim]).reshape([-1] + [1] * (len(shape) - 1 - dim))
    others = [1 if axis == dim else length for axis, length in enumerate(shape)]
    positions = torch.arange(math.prod(others)).reshape(others)
    return Origin(numbers.expand(shape), (positions.expand(shape),))


def _center(edit: Editor, writer: Node) -> None:
    """Subtract the mean over the output channels from the weights and from the bias."""
    weight, bias = layer_constants(edit.graph, writer)
    shift = None if bias is None else bias - bias.mean()
    edit.replace(edit.layer(writer, weight - weight.mean(0), shift))
