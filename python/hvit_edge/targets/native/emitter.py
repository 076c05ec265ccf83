"""Keeps the values and operations while a graph becomes a list of operations.

A layer is not written down at once, because what follows it (an activation, an addition, a
concatenation) may still become part of it. It is written down as soon as anything else needs its
output.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import constant_tensor, module_path
from hvit_edge.targets.native import general_operations as general
from hvit_edge.targets.native import operations as ops
from hvit_edge.targets.native.kinds import FUNCTION_OF, Activation, Arithmetic, Function
from hvit_edge.targets.native.layer_parts import LAYERS, by_column, scale_columns, take_activation
from hvit_edge.targets.native.refusals import Refusal
from hvit_edge.targets.native.scratch import code_bytes, range_bytes
from hvit_edge.targets.native.transposes import transpose
from hvit_edge.targets.native.values import Buffer, Rows, Value, constant_value, fresh

WRITERS = (
    ops.Epilogue,
    ops.LayerNorm,
    ops.Add,
    general.Unary,
    general.Binary,
    general.Softmax,
    general.Select,
)
"""The operations that write rows and can write them to any place."""


class Emitter:
    """Collects the values of nodes, and the operations so far.

    Args:
        graph: the graph that is lowered.
    """

    def __init__(self, graph: GraphModule) -> None:
        self.graph = graph
        self.operations: list[ops.Operation] = []
        self.values: dict[Node, Value] = {}
        # by id: the operations live as long as this dict
        self._written: dict[int, ops.Operation] = {}
        self._codes: dict[tuple[Buffer, bytes, int, int, bool], ops.Codes] = {}
        self._viewed: dict[Node, Node] = {}

    def value(self, node: Node) -> Value:
        """Return the places of a node's elements, after writing its operation down."""
        value = self.values[node]
        self._write(value.source)
        return Value(value.buffer, value.places)

    def constant(self, node: Node) -> torch.Tensor:
        """Return the tensor of a constant node."""
        return constant_tensor(self.graph, node)

    def put_constant(self, node: Node) -> None:
        """Make a constant a value of float32 numbers, whatever its dtype in the graph."""
        self.values[node] = constant_value(self.constant(node).float().numpy())

    def put(self, node: Node, operation: ops.Operation, output: Value) -> None:
        """Make `node` the output of `operation`, which later nodes may still become part of."""
        for part in operation.parts if isinstance(operation, general.Parts) else [operation]:
            part.name = _name(type(part).__name__, node)
        self.values[node] = Value(output.buffer, output.places, operation)

    def view(self, node: Node, source: Node, places: np.ndarray) -> None:
        """Make `node` a view of `source`."""
        value = self.values[source]
        self.values[node] = Value(value.buffer, places, value.source)
        self._viewed[node] = source

    def open_operation(self, node: Node) -> ops.Operation | None:
        """Return the operation that computes a node, if others may still become part of it.

        That is so if it is not written down, and the node covers its buffer and has one reader.
        """
        source = self.values[node].source
        if source is None or id(source) in self._written or not self._is_whole(node):
            return None
        read: Node | None = node
        # the tensors that a view comes from must not have another reader either
        while read is not None:
            if not _is_read_once(read):
                return None
            read = self._viewed.get(read)
        return source

    def activate(self, node: Node, source: Node, activation: Activation) -> None:
        """Apply an activation, as part of the operation before it or as an operation."""
        operation = self.open_operation(source)
        if operation is not None and take_activation(operation, activation):
            self.view(node, source, self.values[source].places)
        elif activation in FUNCTION_OF:
            self.apply(node, source, FUNCTION_OF[activation])
        else:
            self.combine(node, self.value(source), None, activation=activation)

    def apply(
        self, node: Node, source: Node, function: Function, a: float = 0.0, b: float = 0.0
    ) -> None:
        """Apply a function to each value."""
        value = self.value(source)
        shape = value.shape
        value = Value(value.buffer, value.places.reshape(shape or (1,)))
        axis = row_axis([value])
        rows = self.with_rows(value, axis, node).rows(axis)
        output = fresh(value.shape, axis)
        operation = general.Unary(function, a, b, rows, output.rows(axis))
        self.put(node, operation, Value(output.buffer, output.places.reshape(shape)))

    def add(self, node: Node, left: Node, right: Node) -> None:
        """Add two nodes, as part of a layer that computes one of them or as an operation."""
        for layer_node, other_node in ((right, left), (left, right)):
            layer = self.open_operation(layer_node)
            if not isinstance(layer, LAYERS) or left is right:
                continue
            epilogue = layer.epilogue
            if epilogue.residual is not None or epilogue.second is not Activation.NONE:
                continue
            if self.values[other_node].source is layer:
                continue
            other = self.value(other_node)
            residual = self._rows_like(self.values[layer_node], other, epilogue.output)
            if residual is not None:
                epilogue.residual = residual
                self.view(node, layer_node, self.values[layer_node].places)
                return
        self.combine(node, self.value(left), self.value(right))

    def combine(
        self,
        node: Node,
        left: Value,
        right: Value | None,
        *,
        alpha: float = 1.0,
        beta: float = 1.0,
        activation: Activation = Activation.NONE,
    ) -> None:
        """Compute activation(alpha * left + beta * right) with broadcasting."""
        values = [left] if right is None else [left, right]
        shape = np.broadcast_shapes(*(value.shape for value in values))
        values = [Value(v.buffer, np.broadcast_to(v.places, shape or (1,))) for v in values]
        axis = row_axis(values)
        if right is not None and _is_repeated(values, axis) and alpha == 1 and abs(beta) == 1:
            kind = Arithmetic.ADD if beta > 0 else Arithmetic.SUBTRACT
            self.calculate(node, kind, left, right, activation=activation)
            return
        sides = [self.with_rows(value, axis, node).rows(axis) for value in values]
        output = fresh(shape or (1,), axis)
        added = sides[1] if right is not None else None
        operation = ops.Add(sides[0], added, alpha, beta, output.rows(axis), activation)
        self.put(node, operation, Value(output.buffer, output.places.reshape(shape)))

    def calculate(
        self,
        node: Node,
        kind: Arithmetic,
        left: Value,
        right: Value,
        *,
        activation: Activation = Activation.NONE,
    ) -> None:
        """Compute activation(left op right) with broadcasting.

        A side that repeats one value along a row is not gathered.
        """
        shape = np.broadcast_shapes(left.shape, right.shape)
        values = [Value(v.buffer, np.broadcast_to(v.places, shape or (1,))) for v in (left, right)]
        axis = side_axis(values)
        output = fresh(shape or (1,), axis)
        one, other = (self._side(value, axis, node) for value in values)
        operation = general.Binary(kind, one, other, output.rows(axis), activation)
        self.put(node, operation, Value(output.buffer, output.places.reshape(shape)))

    def select(self, node: Node, condition: Value, left: Value, right: Value) -> None:
        """Choose `left` where `condition` is not zero and `right` elsewhere, with broadcasting."""
        given = (condition, left, right)
        shape = np.broadcast_shapes(*(value.shape for value in given))
        values = [Value(v.buffer, np.broadcast_to(v.places, shape or (1,))) for v in given]
        axis = side_axis(values)
        output = fresh(shape or (1,), axis)
        chosen, one, other = (self._side(value, axis, node) for value in values)
        operation = general.Select(chosen, one, other, output.rows(axis))
        self.put(node, operation, Value(output.buffer, output.places.reshape(shape)))

    def _side(self, value: Value, axis: int, node: Node) -> ops.Side:
        """Return `value` as rows along `axis`, or as one value a row if it repeats
        along the axis.
        """
        if value.repeats(axis):
            return ops.Side(Value(value.buffer, value.places.take([0], axis)).rows(axis), True)
        return ops.Side(self.with_rows(value, axis, node).rows(axis), False)

    def scale_layer(
        self, node: Node, source: Node, factor: np.ndarray, shift: np.ndarray | None = None
    ) -> bool:
        """Multiply the open layer before `source` by `factor` and add `shift`; both broadcast.

        Returns:
            False if no layer can take them; nothing has changed then.
        """
        layer = self.open_operation(source)
        if not isinstance(layer, LAYERS):
            return False
        epilogue, value = layer.epilogue, self.values[source]
        if epilogue.residual is not None or epilogue.first is not Activation.NONE:
            return False
        width = epilogue.output.width
        added = np.zeros(1) if shift is None else shift
        factors, shifts = (by_column(array, value.places, width) for array in (factor, added))
        if factors is None or shifts is None:
            return False
        scale_columns(layer, factors)
        if epilogue.bias is not None or shift is not None:
            bias: np.ndarray = np.zeros(1) if epilogue.bias is None else epilogue.bias
            bias = bias.astype(np.float64)
            epilogue.bias = (bias * factors + shifts).astype(np.float32)
        self.view(node, source, value.places)
        return True

    def join(self, node: Node, parts: Sequence[Node], whole: Value) -> None:
        """Write `parts` into `whole`, one after another; a layer can take nothing more
        after that.
        """
        places = whole.places
        start = 0
        axis = row_axis([self.values[part] for part in parts])
        dim = next(
            (d for d in range(places.ndim) if places.shape[d] != self.values[parts[0]].shape[d]), 0
        )
        for part in parts:
            length = self.values[part].shape[dim]
            there = np.take(places, np.arange(start, start + length), axis=dim)
            start += length
            self.bring(node, part, Value(whole.buffer, there), axis)
        self.values[node] = whole

    def bring(self, node: Node, part: Node, there: Value, axis: int) -> None:
        """Let the operation of `part` write to `there`, or copy it; `axis` is the axis
        of its rows.
        """
        operation = self.open_operation(part)
        writer = operation.epilogue if isinstance(operation, LAYERS) else operation
        if isinstance(writer, WRITERS) and there.has_rows(axis):
            output = self._rows_like(self.values[part], there, writer.output)
            if output is not None:
                writer.output = output
                self._write(operation)
                return
        here = self.value(part)
        both = row_axis([here, there])
        if not there.has_rows(both):  # `there` cannot be gathered, only what is read can
            both = row_axis([there])
        self.copy(node, self.with_rows(here, both, node), there, both)

    def copy(self, node: Node, here: Value, there: Value, axis: int) -> None:
        """Copy rows along `axis` from one place to another."""
        copy = ops.Add(here.rows(axis), None, 1.0, 1.0, there.rows(axis))
        copy.name = _name("Copy", node)
        self.operations.append(copy)

    def with_rows(self, value: Value, axis: int, node: Node) -> Value:
        """Return `value` with its rows along `axis`, and gather its elements if needed."""
        if not value.has_rows(axis):
            value = value.arranged(axis)
        if value.has_rows(axis):
            return value
        gathered = fresh(value.shape, axis)
        places = np.moveaxis(value.places, axis, -1)
        gather: ops.Operation | None = transpose(value.buffer, places, gathered.buffer)
        if gather is None:
            first = Rows(value.buffer, np.zeros(1, np.int64), 1)
            gather = ops.Gather(first, places.ravel(), gathered.buffer)
        gather.name = _name(type(gather).__name__, node)
        self.operations.append(gather)
        return gathered

    def quantise(self, node: Node, rows: Rows, together: int, *, pads: bool = False) -> ops.Codes:
        """Return the int8 codes of rows; equal requests share one operation."""
        key = (rows.buffer, rows.places.tobytes(), rows.width, together, pads)
        if key not in self._codes:
            count = len(rows.places)
            codes = ops.Codes(
                codes=Buffer(code_bytes(count, rows.width), of_bytes=True),
                ranges=Buffer(range_bytes(count, together), of_bytes=True),
                zeros=Buffer(code_bytes(1, rows.width), of_bytes=True) if pads else None,
                rows=count,
                width=rows.width,
                together=together,
            )
            self.operations.append(ops.Quantise(rows, codes, name=_name("Quantise", node)))
            self._codes[key] = codes
        return self._codes[key]

    def _rows_like(self, layer: Value, other: Value, output: Rows) -> Rows | None:
        """Return the rows of `other` in the order of a layer's output, of which `layer` is a view.

        The result is None if `other` has no such rows.
        """
        if layer.shape != other.shape:
            if np.broadcast_shapes(layer.shape, other.shape) != layer.shape:
                return None
            other = Value(other.buffer, np.broadcast_to(other.places, layer.shape))
        for axis in range(layer.places.ndim):
            if layer.shape[axis] != output.width or not layer.has_rows(axis):
                continue
            if not other.has_rows(axis):
                other = other.arranged(axis)
            if not other.has_rows(axis):
                return None
            order: np.ndarray = layer.rows(axis).places // output.width
            places: np.ndarray = np.empty(len(order), np.int64)
            places[order] = other.rows(axis).places
            return Rows(other.buffer, places, output.width)
        return None

    def _is_whole(self, node: Node) -> bool:
        """Return True if a node has each element of its buffer."""
        value = self.values[node]
        if value.places.size != value.buffer.size:
            return False
        seen: np.ndarray = np.zeros(value.buffer.size, np.bool_)
        seen[value.places.ravel()] = True
        return bool(seen.all())

    def _write(self, operation: ops.Operation | None) -> None:
        if operation is not None and id(operation) not in self._written:
            self._written[id(operation)] = operation
            parts = operation.parts if isinstance(operation, general.Parts) else [operation]
            self.operations.extend(parts)


def row_axis(values: Sequence[Value]) -> int:
    """Return the axis along which most values have rows; ties go to the last axis, then axis 1.

    A constant can be stored with rows along any axis.
    """
    rank = values[0].places.ndim
    axes = sorted(range(rank), key=lambda a: (a != rank - 1, a != 1, a))
    known = [axis for axis in axes if values[0].shape[axis] > 1] or axes[:1]
    return max(known, key=lambda axis: sum(value.can_have_rows(axis) for value in values))


def side_axis(values: Sequence[Value]) -> int:
    """Return the axis along which most values have rows or are repeated.

    At least one value must have rows along it. Ties go to more values with rows, then to the last
    axis, then to axis 1.
    """
    rank = values[0].places.ndim

    def score(axis: int) -> tuple[int, int, bool, bool]:
        rows = sum(value.can_have_rows(axis) for value in values)
        ready = sum(value.can_have_rows(axis) or value.repeats(axis) for value in values)
        return (ready if rows else 0), rows, axis == rank - 1, axis == 1

    known = [axis for axis in range(rank) if values[0].shape[axis] > 1] or [rank - 1]
    return max(known, key=score)


def _is_repeated(values: Sequence[Value], axis: int) -> bool:
    return any(not value.has_rows(axis) and value.repeats(axis) for value in values)


def _name(kind: str, node: Node) -> str:
    return f"{kind} {module_path(node)}".strip()


def _is_read_once(node: Node) -> bool:
    """Return True if `node` is read once, by one node."""
    reads: list[Node] = []
    for user in node.users:
        torch.fx.map_arg((user.args, user.kwargs), reads.append)
    return reads.count(node) == 1


def refuse(node: Node, what: str) -> Refusal:
    """Return the error for an operator that the native backend does not run."""
    return Refusal(node, what)
