"""Unroll recurrent layers and cells into one group of operators per step.

Identity:   the definitions of the layers; W and b apply to the input, U and d to the state

    rnn     h' = tanh or relu(W x + b + U h + d)
    gru     r, z = sigmoid(W x + b + U h + d);    n = tanh(W x + b + r (U h + d))
            h' = n + z (h - n)
    lstm    i, f, o = sigmoid(W x + b + U h + d);    g = tanh(W x + b + U h + d)
            c' = f c + i g;    h' = o tanh(c'), projected if the layer has a projection

    x [N, T, C], h -> gru -> y [N, T, H], h'
    x -> linear(W, b) -> slice(t) -> .. ;    h -> linear(U, d) -> ..    for each step t -> cat -> y

Preconditions: an unpacked sequence of a static length. The products with W are one linear over all
steps. Exact up to the order of summation. No target has loops, so the graph grows with every step.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import Editor, argument, aten, nodes_calling, shape_of

LAYERS = {
    aten.rnn_tanh.input: "tanh",
    aten.rnn_relu.input: "relu",
    aten.gru.input: "gru",
    aten.lstm.input: "lstm",
}
CELLS = {
    aten.rnn_tanh_cell.default: "tanh",
    aten.rnn_relu_cell.default: "relu",
    aten.gru_cell.default: "gru",
    aten.lstm_cell.default: "lstm",
}


def unroll_recurrence(graph: GraphModule) -> bool:
    """Apply the rewrite. Return True if it changed the graph."""
    modified = False
    for node in nodes_calling(graph, *LAYERS):
        edit = Editor(graph, node)
        _hand_over(edit, _layers(edit, node))
        modified = True
    for node in nodes_calling(graph, *CELLS):
        edit = Editor(graph, node)
        states = _cell(edit, node)
        if len(states) > 1:
            _hand_over(edit, states)
        else:
            edit.replace(states[0])
        modified = True
    return modified


@dataclass(frozen=True)
class _Weights:
    """Holds the weights of one layer in one direction. Biases and `projection` may be None."""

    kind: str
    of_input: Node
    of_state: Node
    input_bias: Node | None
    state_bias: Node | None
    projection: Node | None = None


State = tuple[Node, ...]
"""(h,), or (h, c) for an LSTM; each is [N, H]."""


def _hand_over(edit: Editor, results: Sequence[Node]) -> None:
    """Replace the results of the anchor, which returns a tuple, and erase it."""
    for item in list(edit.anchor.users):
        assert item.target is operator.getitem
        item.replace_all_uses_with(results[item.args[1]])
        edit.graph.graph.erase_node(item)
    edit.graph.graph.erase_node(edit.anchor)


def _cell(edit: Editor, node: Node) -> State:
    kind, given = CELLS[node.target], node.args[1]
    state = tuple(given) if kind == "lstm" else (given,)
    biases = (argument(node, 4, "b_ih"), argument(node, 5, "b_hh"))
    weights = _Weights(kind, node.args[2], node.args[3], *biases)
    return _step(edit, weights, _linear(edit, node.args[0], weights.of_input, biases[0]), state)


def _layers(edit: Editor, node: Node) -> list[Node]:
    """Return the output sequence of the last layer and the last states of all layers."""
    kind, (sequence, given) = LAYERS[node.target], node.args[:2]
    count, bidirectional, batch_first = node.args[4], node.args[7], node.args[8]
    starts = given if kind == "lstm" else [given]
    time = 1 if batch_first else 0
    parts = _weights(node, kind, count * (2 if bidirectional else 1))
    ends: list[State] = []
    for _ in range(count):
        directions = []
        for backward in (False, True) if bidirectional else (False,):
            state = tuple(_row(edit, start, 0, len(ends)) for start in starts)
            steps, end = _direction(edit, next(parts), sequence, state, time, backward)
            directions.append(steps)
            ends.append(end)
        sequence = _joined(edit, directions, 2)
    lasts = [[_with_time(edit, end[i], 0) for end in ends] for i in range(len(starts))]
    return [sequence, *(_joined(edit, states, 0) for states in lasts)]


def _weights(node: Node, kind: str, count: int) -> Iterator[_Weights]:
    """Yield the weights of each layer and direction in order."""
    flat, has_biases = node.args[2], node.args[3]
    each = len(flat) // count
    for start in range(0, len(flat), each):
        of_input, of_state, *rest = flat[start : start + each]
        biases = [rest.pop(0) if has_biases else None for _ in range(2)]
        yield _Weights(kind, of_input, of_state, *biases, *rest)


def _direction(
    edit: Editor, weights: _Weights, sequence: Node, state: State, time: int, backward: bool
) -> tuple[Node, State]:
    """Return the output sequence of a layer in one direction, and its last state."""
    projected = _linear(edit, sequence, weights.of_input, weights.input_bias)
    length = shape_of(sequence)[time]
    steps: dict[int, Node] = {}
    for t in reversed(range(length)) if backward else range(length):
        state = _step(edit, weights, _row(edit, projected, time, t), state)
        steps[t] = _with_time(edit, state[0], time)
    return _joined(edit, [steps[t] for t in range(length)], time), state


def _step(edit: Editor, weights: _Weights, projected: Node, state: State) -> State:
    """Return the state after one step. `projected` is its input after W: [N, parts * H]."""
    fed_back = _linear(edit, state[0], weights.of_state, weights.state_bias)
    if weights.kind == "gru":
        return (_gru(edit, projected, fed_back, state[0]),)
    total = edit.call(aten.add.Tensor, projected, fed_back)
    if weights.kind != "lstm":
        function = aten.relu.default if weights.kind == "relu" else aten.tanh.default
        return (edit.call(function, total),)
    h, c = _lstm(edit, total, state[1])
    return (h if weights.projection is None else _linear(edit, h, weights.projection, None), c)


def _gru(edit: Editor, projected: Node, fed_back: Node, h: Node) -> Node:
    size = shape_of(h)[-1]
    both = (_columns(edit, side, 0, 2 * size) for side in (projected, fed_back))
    gates = edit.call(aten.sigmoid.default, edit.call(aten.add.Tensor, *both))
    reset, update = (_columns(edit, gates, i * size, size) for i in range(2))
    fresh, kept = (_columns(edit, side, 2 * size, size) for side in (projected, fed_back))
    kept = edit.call(aten.mul.Tensor, reset, kept)
    new = edit.call(aten.tanh.default, edit.call(aten.add.Tensor, fresh, kept))
    change = edit.call(aten.mul.Tensor, update, edit.call(aten.sub.Tensor, h, new))
    return edit.call(aten.add.Tensor, new, change)


def _lstm(edit: Editor, total: Node, c: Node) -> State:
    size = shape_of(c)[-1]
    gates = edit.call(aten.sigmoid.default, _columns(edit, total, 0, 2 * size))
    written, kept = (_columns(edit, gates, i * size, size) for i in range(2))
    new = edit.call(aten.tanh.default, _columns(edit, total, 2 * size, size))
    shown = edit.call(aten.sigmoid.default, _columns(edit, total, 3 * size, size))
    kept = edit.call(aten.mul.Tensor, kept, c)
    c = edit.call(aten.add.Tensor, kept, edit.call(aten.mul.Tensor, written, new))
    return edit.call(aten.mul.Tensor, shown, edit.call(aten.tanh.default, c)), c


def _linear(edit: Editor, x: Node, weight: Node, bias: Node | None) -> Node:
    return edit.call(aten.linear.default, x, weight, *([] if bias is None else [bias]))


def _columns(edit: Editor, x: Node, start: int, count: int) -> Node:
    return edit.call(aten.slice.Tensor, x, 1, start, start + count)


def _row(edit: Editor, x: Node, dim: int, at: int) -> Node:
    """Return `x` [A, B, C] at one index of dimension `dim`, without that dimension."""
    shape = shape_of(x)
    del shape[dim]
    return edit.reshape(edit.call(aten.slice.Tensor, x, dim, at, at + 1), shape)


def _with_time(edit: Editor, x: Node, dim: int) -> Node:
    """Return `x` [N, H] with a time dimension of size 1 inserted at `dim`."""
    shape = shape_of(x)
    shape.insert(dim, 1)
    return edit.reshape(x, shape)


def _joined(edit: Editor, parts: Sequence[Node], dim: int) -> Node:
    return parts[0] if len(parts) == 1 else edit.call(aten.cat.default, list(parts), dim)
