"""Lower products of matrices, and einsum, to operations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch.fx import Node

from hvit_edge.lowering.graph import aten, is_constant, shape_of
from hvit_edge.targets.native import operations as ops
from hvit_edge.targets.native.emitter import Emitter, refuse, row_axis
from hvit_edge.targets.native.general_operations import Matmul
from hvit_edge.targets.native.kinds import Arithmetic
from hvit_edge.targets.native.operations import Epilogue, Matrices
from hvit_edge.targets.native.scratch import matmul_values
from hvit_edge.targets.native.values import Buffer, Value, fresh


def regular_matrices(emit: Emitter, node: Node, value: Value) -> Matrices:
    """Return matrices [..., tokens, width] with tokens at a fixed stride, copied if needed."""
    value = emit.with_rows(value, -1, node)
    places = value.places[..., 0]
    steps = np.diff(places, axis=-1)
    if steps.size and not (len(np.unique(steps)) == 1 and steps.flat[0] > 0):
        copied = fresh(value.shape)
        emit.copy(node, value, copied, -1)
        value, places = copied, copied.places[..., 0]
        steps = np.diff(places, axis=-1)
    stride = int(steps.flat[0]) if steps.size else value.shape[-1]
    return Matrices(value.buffer, places[..., 0].ravel(), stride)


def multiply(
    emit: Emitter, node: Node, left: Value, right: Value, scale: float = 1.0
) -> tuple[Matmul, Value]:
    """Return the operation for scale * left [..., m, k] right [..., k, n], and its output [..., m,
    n].
    """
    batch = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
    (rows, depth), columns = left.shape[-2:], right.shape[-1]
    left = Value(left.buffer, np.broadcast_to(left.places, (*batch, rows, depth)))
    right = Value(right.buffer, np.broadcast_to(right.places, (*batch, depth, columns)))
    matrices, step = _spread(emit, node, right)
    output = _product_output(node, (*batch, rows, columns))
    heads = output.places[..., 0]
    stride = int(heads[..., 1].flat[0] - heads[..., 0].flat[0]) if rows > 1 else columns
    operation = Matmul(
        rows,
        depth,
        columns,
        regular_matrices(emit, node, left),
        matrices,
        step,
        scale,
        Matrices(output.buffer, heads[..., 0].ravel(), stride),
        Buffer(matmul_values(math.prod(batch), depth, columns)),
    )
    return operation, output


def _product_output(node: Node, shape: tuple[int, ...]) -> Value:
    """Return the output of a product: in the order of a permutation after it, if rows
    stay intact.
    """
    users = list(node.users)
    rank = len(shape)
    if (
        len(users) == 1
        and users[0].target is aten.permute.default
        and len(users[0].args[1]) == rank
    ):
        order = [dim % rank for dim in users[0].args[1]]
        if order[-1] == rank - 1:
            moved = fresh([shape[dim] for dim in order])
            return Value(moved.buffer, moved.places.transpose(np.argsort(order)))
    return fresh(shape)


def _spread(emit: Emitter, node: Node, value: Value) -> tuple[Matrices, int]:
    """Return matrices with a fixed stride along both dimensions, copied if needed, and a column
    step.
    """
    found = _strides(value.places)
    if found is None:
        axis = row_axis([value])
        value = emit.with_rows(value, axis, node)
        if _strides(value.places) is None:
            copied = fresh(value.shape, axis)
            emit.copy(node, value, copied, axis)
            value = copied
        found = _strides(value.places)
        assert found is not None
    return Matrices(value.buffer, value.places[..., 0, 0].ravel(), found[0]), found[1]


def _strides(places: np.ndarray) -> tuple[int, int] | None:
    """Return the strides of matrices along both dimensions, or None if they are not the same for
    all.
    """
    first = places[(0,) * (places.ndim - 2)]
    down = int(first[1, 0] - first[0, 0]) if first.shape[0] > 1 else 0
    across = int(first[0, 1] - first[0, 0]) if first.shape[1] > 1 else 1
    if down < 0 or across < 0:
        return None
    expected = np.arange(first.shape[0])[:, None] * down + np.arange(first.shape[1]) * across
    if not np.array_equal(places - places[..., :1, :1], np.broadcast_to(expected, places.shape)):
        return None
    return down, across


def lower_matmul(emit: Emitter, node: Node) -> None:
    """Lower a product with any batch; a constant matrix on the right makes it a linear layer.

    Vectors are matrices of one row or one column.
    """
    left, right = node.args[:2]
    if is_constant(right) and len(shape_of(right)) == 2:
        _as_linear(emit, node, left, right)
        return
    one, other = emit.value(left), emit.value(right)
    if one.places.ndim == 1:
        one = Value(one.buffer, one.places[None])
    if other.places.ndim == 1:
        other = Value(other.buffer, other.places[:, None])
    operation, output = multiply(emit, node, one, other)
    emit.put(node, operation, Value(output.buffer, output.places.reshape(shape_of(node))))


def _as_linear(emit: Emitter, node: Node, left: Node, right: Node) -> None:
    source = emit.with_rows(emit.value(left), -1, node)
    weights = emit.constant(right).float().numpy().T
    output = fresh(shape_of(node))
    layer = ops.Linear(source.rows(-1), weights, Epilogue(None, output.rows(-1)))
    emit.put(node, layer, output)


def lower_matmul_and_add(emit: Emitter, node: Node) -> None:
    """Lower beta * input + alpha * (left right)."""
    added, left, right = node.args[:3]
    alpha, beta = node.kwargs.get("alpha", 1), node.kwargs.get("beta", 1)
    operation, output = multiply(emit, node, emit.value(left), emit.value(right), float(alpha))
    emit.put(node, operation, output)
    if beta == 0:
        return
    if beta != 1:
        raise refuse(node, f"a sum with {beta} times a tensor")
    emit.calculate(node, Arithmetic.ADD, emit.value(node), emit.value(added))


@dataclass(frozen=True)
class _Product:
    """Describes an einsum as a product of matrices.

    Attributes:
        left, right, result: the letters of the operands and of the result.
        batch, rows, columns, summed: the letters by their role in the product.
    """

    left: str
    right: str
    result: str
    batch: tuple[str, ...]
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    summed: tuple[str, ...]


def _as_product(node: Node) -> _Product | None:
    """Read an einsum of two tensors whose letters are all in the result or in both of them."""
    equation = node.args[0].replace(" ", "")
    inputs, _, result = equation.partition("->")
    terms = inputs.split(",")
    known = "->" in equation and "." not in equation and len(terms) == len(node.args[1]) == 2
    if not known or any(len(set(term)) != len(term) for term in (*terms, result)):
        return None
    left, right = terms
    batch = tuple(c for c in left if c in right and c in result)
    rows, columns = (
        tuple(c for c in one if c not in other) for one, other in ((left, right), (right, left))
    )
    summed = tuple(c for c in left if c in right and c not in result)
    if not set(rows + columns) <= set(result):
        return None
    return _Product(left, right, result, batch, rows, columns, summed)


def takes_einsum(node: Node) -> bool:
    """Return True if an einsum is one product of matrices."""
    return _as_product(node) is not None


def lower_einsum(emit: Emitter, node: Node) -> None:
    """Lower einsum of two tensors; each letter must be in the result or in both tensors."""
    product, operands = _as_product(node), node.args[1]
    if product is None:
        raise refuse(node, f"einsum of {node.args[0]!r}")
    batch, rows, columns, summed = product.batch, product.rows, product.columns, product.summed
    sizes = {
        letter: size
        for term, operand in zip((product.left, product.right), operands, strict=True)
        for letter, size in zip(term, shape_of(operand), strict=True)
    }

    def count(letters: Sequence[str]) -> int:
        return math.prod(sizes[letter] for letter in letters)

    def ordered(term: str, operand: Node, *groups: Sequence[str]) -> Value:
        value = emit.value(operand)
        moved = value.places.transpose([term.index(c) for group in groups for c in group])
        return Value(value.buffer, moved.reshape([count(group) for group in groups]))

    operation, output = multiply(
        emit,
        node,
        ordered(product.left, operands[0], batch, rows, summed),
        ordered(product.right, operands[1], batch, summed, columns),
    )
    letters = [*batch, *rows, *columns]
    places = output.places.reshape([sizes[letter] for letter in letters])
    places = places.transpose([letters.index(letter) for letter in product.result])
    emit.put(node, operation, Value(output.buffer, places))


LOWERINGS = {
    aten.matmul.default: lower_matmul,
    aten.mm.default: lower_matmul,
    aten.mv.default: lower_matmul,
    aten.dot.default: lower_matmul,
    aten.bmm.default: lower_matmul,
    aten.addmm.default: lower_matmul_and_add,
    aten.baddbmm.default: lower_matmul_and_add,
    aten.einsum.default: lower_einsum,
}
