"""Lower comparisons, boolean values and the choices that they make to operations.

A boolean value is a number of the plan: one if it is true, zero if it is false.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch.fx import Node

from hvit_edge.lowering.graph import argument, aten, is_constant, shape_of
from hvit_edge.targets.native.emitter import Emitter
from hvit_edge.targets.native.kinds import Arithmetic, Reduce
from hvit_edge.targets.native.lower_elementwise import lower_masked_fill
from hvit_edge.targets.native.lower_reductions import dims_of, reduce
from hvit_edge.targets.native.lower_writes import lower_where
from hvit_edge.targets.native.values import Value, filled

Operand: TypeAlias = Node | float | int | bool


def _value(emit: Emitter, operand: Operand, node: Node) -> Value:
    if isinstance(operand, Node):
        return emit.value(operand)
    return filled((1,) * len(shape_of(node)), float(operand))


def lower_comparison(kind: Arithmetic, *, turned: bool = False) -> Callable[[Emitter, Node], None]:
    """Return the lowering of a comparison; if `turned`, its operands are exchanged."""

    def lower(emit: Emitter, node: Node) -> None:
        sides = [_value(emit, side, node) for side in node.args[:2]]
        emit.calculate(node, kind, *(reversed(sides) if turned else sides))

    return lower


def _truth(emit: Emitter, node: Node, operand: Node) -> Value:
    """Return one where `operand` is not zero, else zero; `node` may become that value."""
    if operand.meta["val"].dtype is torch.bool:
        return emit.value(operand)
    emit.calculate(
        node, Arithmetic.NOT_EQUAL, emit.value(operand), filled((1,) * len(shape_of(operand)), 0)
    )
    return emit.value(node)


def lower_logic(kind: Arithmetic) -> Callable[[Emitter, Node], None]:
    """Return the lowering of an operator on two boolean values."""

    def lower(emit: Emitter, node: Node) -> None:
        emit.calculate(node, kind, *(_truth(emit, node, side) for side in node.args[:2]))

    return lower


def lower_not(emit: Emitter, node: Node) -> None:
    zero = filled((1,) * len(shape_of(node)), 0)
    emit.calculate(node, Arithmetic.EQUAL, emit.value(node.args[0]), zero)


def lower_quantifier(kind: Reduce) -> Callable[[Emitter, Node], None]:
    """Return the lowering of `any` or `all` over the dimensions of the second argument."""

    def lower(emit: Emitter, node: Node) -> None:
        source = _truth(emit, node, node.args[0])
        rank = source.places.ndim
        dims = dims_of(node, argument(node, 1, "dim"), rank)
        if rank == 0:
            emit.values[node] = source
            return
        reduce(emit, node, source, dims, kind)
        value = emit.values[node]
        emit.values[node] = Value(value.buffer, value.places.reshape(shape_of(node)), value.source)

    return lower


def lower_conversion(emit: Emitter, node: Node) -> None:
    """Lower a conversion of dtype: a view, or for a conversion to bool, a comparison with zero."""
    source = node.args[0]
    if node.meta["val"].dtype is torch.bool and source.meta["val"].dtype is not torch.bool:
        _truth(emit, node, source)
    else:
        emit.view(node, source, emit.values[source].places)


def lower_choice(emit: Emitter, node: Node) -> None:
    """Lower a choice between two tensors or numbers by a mask."""
    mask, *sides = node.args[:3]
    if is_constant(mask):
        lower_where(emit, node)
        return
    emit.select(node, emit.value(mask), *(_value(emit, side, node) for side in sides))


def lower_fill(emit: Emitter, node: Node) -> None:
    """Lower a fill: the number where the mask is true, else the tensor."""
    source, mask, number = node.args[:3]
    known = not isinstance(number, Node) or is_constant(number)
    if is_constant(mask) and known:
        lower_masked_fill(emit, node)
        return
    emit.select(node, emit.value(mask), _value(emit, number, node), emit.value(source))


COMPARISONS = {
    target: lower_comparison(kind, turned=turned)
    for operator, kind, turned in (
        (aten.gt, Arithmetic.GREATER, False),
        (aten.ge, Arithmetic.GREATER_EQUAL, False),
        (aten.lt, Arithmetic.GREATER, True),
        (aten.le, Arithmetic.GREATER_EQUAL, True),
        (aten.eq, Arithmetic.EQUAL, False),
        (aten.ne, Arithmetic.NOT_EQUAL, False),
    )
    for target in (operator.Scalar, operator.Tensor)
}

LOWERINGS = {
    **COMPARISONS,
    aten.logical_and.default: lower_logic(Arithmetic.MULTIPLY),
    aten.logical_or.default: lower_logic(Arithmetic.MAXIMUM),
    aten.logical_xor.default: lower_logic(Arithmetic.NOT_EQUAL),
    aten.logical_not.default: lower_not,
    aten.bitwise_and.Tensor: lower_logic(Arithmetic.MULTIPLY),
    aten.__and__.Tensor: lower_logic(Arithmetic.MULTIPLY),
    aten.bitwise_or.Tensor: lower_logic(Arithmetic.MAXIMUM),
    aten.__or__.Tensor: lower_logic(Arithmetic.MAXIMUM),
    aten.bitwise_xor.Tensor: lower_logic(Arithmetic.NOT_EQUAL),
    aten.__xor__.Tensor: lower_logic(Arithmetic.NOT_EQUAL),
    aten.bitwise_not.default: lower_not,
    aten.any.default: lower_quantifier(Reduce.MAXIMUM),
    aten.any.dim: lower_quantifier(Reduce.MAXIMUM),
    aten.any.dims: lower_quantifier(Reduce.MAXIMUM),
    aten.all.default: lower_quantifier(Reduce.MINIMUM),
    aten.all.dim: lower_quantifier(Reduce.MINIMUM),
    aten.all.dims: lower_quantifier(Reduce.MINIMUM),
    aten._to_copy.default: lower_conversion,
    aten.to.dtype: lower_conversion,
    aten.to.dtype_layout: lower_conversion,
    aten.to.other: lower_conversion,
    aten.type_as.default: lower_conversion,
    aten.masked_fill.Scalar: lower_fill,
    aten.masked_fill.Tensor: lower_fill,
    **dict.fromkeys(
        (aten.where.self, aten.where.ScalarOther, aten.where.ScalarSelf, aten.where.Scalar),
        lower_choice,
    ),
}

OF_TRUTH_VALUES = frozenset((*LOWERINGS, aten.cat.default, aten.stack.default, aten.mul.Tensor))
"""The operators that may return booleans, apart from views."""
