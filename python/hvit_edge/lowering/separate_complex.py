"""Replace complex tensors with their two parts, and Fourier transforms with products.

Identity:   (a + bi)(c + di) = (ac - bd) + (ad + bc)i
            DFT(x) = x times the matrix exp(-2 pi i j k / n)

    x -> fft_rfft2 -> mul(w) -> fft_irfft2 -> y     linears -> mul, sub, add -> linears -> y
    x -> view_as_complex -> real -> y               x -> slice -> reshape -> y
    x, y -> complex -> permute -> abs -> z          permute(x), permute(y) -> mul, add, sqrt -> z

Preconditions: no input or output of the graph is complex; every operator on complex tensors is in
`RULES`; transforms are of at most `LONGEST` elements along each dimension. Exact up to rounding. No
target computes with complex numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch.fx import GraphModule, Node

from hvit_edge.lowering import fourier
from hvit_edge.lowering.canonicalize_conversions import CONVERSIONS
from hvit_edge.lowering.canonicalize_views import NORMAL, canonicalize_views
from hvit_edge.lowering.fourier import Pair
from hvit_edge.lowering.graph import (
    Editor,
    argument,
    aten,
    constant_tensor,
    rank_of,
    shape_of,
)
from hvit_edge.lowering.remove_identities import remove_identities


def separate_complex(graph: GraphModule) -> bool:
    """Apply the rewrite. Return True if it changed the graph."""
    if not any(_touches(node) for node in graph.graph.nodes):
        return False
    removed = remove_identities(graph)
    modified = canonicalize_views(graph) or removed  # splits return several tensors at once
    touched = [node for node in graph.graph.nodes if _touches(node)]
    if not all(map(_is_known, touched)):
        return modified
    parts = _Parts(graph)
    for node in touched:
        parts.add(node)
    for node in reversed(touched):
        graph.graph.erase_node(node)
    return True


def is_complex(value: object) -> bool:
    """Return True if `value` is a node with a complex tensor."""
    made = value.meta.get("val") if isinstance(value, Node) else None
    several = made if isinstance(made, list | tuple) else [made]
    return any(isinstance(one, torch.Tensor) and one.is_complex() for one in several)


def _touches(node: Node) -> bool:
    return (
        node.target in TRANSFORMS or is_complex(node) or any(map(is_complex, node.all_input_nodes))
    )


def _is_known(node: Node) -> bool:
    if node.op == "get_attr":
        return True
    if node.op != "call_function" or node.target not in RULES:
        return False
    if node.target in TRANSFORMS:
        _, lengths = _dims_and_lengths(node)
        return max(lengths, default=0) <= fourier.LONGEST
    return True


class _Parts:
    """Holds the parts of the complex tensors of a graph."""

    def __init__(self, graph: GraphModule) -> None:
        self.graph = graph
        self.pairs: dict[Node, Pair] = {}

    def add(self, node: Node) -> None:
        """Insert what computes the parts of a complex node, or the real result of a node."""
        edit = Editor(self.graph, node)
        if node.op == "get_attr":
            self.pairs[node] = _constants(edit, node.name, constant_tensor(self.graph, node))
            return
        result = RULES[node.target](self, edit, node)
        if isinstance(result, Node):
            node.replace_all_uses_with(result)
        else:
            self.pairs[node] = result

    def of(self, edit: Editor, node: Node) -> Pair:
        """Return the parts of a complex or a real tensor."""
        return self.pairs.get(node) or (node, _zeros_like(edit, node))


Rule = Callable[[_Parts, Editor, Node], Node | Pair]


def _constants(edit: Editor, name: str, tensor: torch.Tensor) -> Pair:
    return (
        edit.constant(f"{name}_real", tensor.real),
        edit.constant(f"{name}_imaginary", tensor.imag),
    )


def _zeros_like(edit: Editor, node: Node) -> Node:
    return edit.constant_like(f"{node.name}_zeros", torch.zeros(shape_of(node)), node)


def _linear(parts: _Parts, edit: Editor, node: Node) -> Pair:
    """Apply an operator to the real and to the imaginary parts of its arguments."""

    def part(index: int) -> Node:
        def chosen(source: Node) -> Node:
            is_index = not is_complex(source) and not source.meta["val"].is_floating_point()
            return source if is_index else parts.of(edit, source)[index]

        args, kwargs = torch.fx.map_arg((node.args, node.kwargs), chosen)
        return edit.call(node.target, *args, **kwargs)

    return part(0), part(1)


def _made(parts: _Parts, edit: Editor, node: Node) -> Pair:
    """Return constants in place of an operator that fills a tensor with zeros."""
    made = node.meta["val"]
    return _constants(edit, node.name, torch.zeros(made.shape, dtype=made.dtype))


def _sum(parts: _Parts, edit: Editor, node: Node) -> Pair:
    """Add or subtract two tensors or numbers."""
    sides = [_number_or_parts(parts, edit, side) for side in node.args[:2]]
    target, kwargs = node.target, dict(node.kwargs)
    real, imaginary = (
        edit.call(target, sides[0][index], sides[1][index], **kwargs) for index in (0, 1)
    )
    return real, imaginary


def _number_or_parts(parts: _Parts, edit: Editor, operand: Any) -> tuple[Any, Any]:
    if isinstance(operand, Node):
        return parts.of(edit, operand)
    return complex(operand).real, complex(operand).imag


def _product(
    parts: _Parts, edit: Editor, left: Any, right: Any, call: Callable[[Any, Any], Node]
) -> Pair:
    """Return the parts of a product, or of any function that is linear in two arguments.

    Args:
        left, right: nodes or numbers.
        call: inserts the product of two real arguments.
    """
    return _pairwise(edit, _operand(parts, edit, left), _operand(parts, edit, right), call)


def _operand(parts: _Parts, edit: Editor, operand: Any) -> tuple[Any, Any]:
    """Return the two parts of a node or number; the second one is None if it is real."""
    if _is_complex_operand(operand):
        return _number_or_parts(parts, edit, operand)
    return operand, None


def _pairwise(
    edit: Editor, left: tuple[Any, Any], right: tuple[Any, Any], call: Callable[[Any, Any], Node]
) -> Pair:
    (a, b), (c, d) = left, right
    if b is None:
        return call(a, c), call(a, d)
    if d is None:
        return call(a, c), call(b, c)
    return (
        edit.call(aten.sub.Tensor, call(a, c), call(b, d)),
        edit.call(aten.add.Tensor, call(a, d), call(b, c)),
    )


def _is_complex_operand(operand: Any) -> bool:
    return is_complex(operand) or isinstance(operand, complex)


def _multiply(parts: _Parts, edit: Editor, node: Node) -> Pair:
    """Multiply, also as matrices: every argument after the two factors is the same."""
    left, right = node.args[:2]
    return _product(parts, edit, left, right, partial(edit.call, node.target))


def _einsum(parts: _Parts, edit: Editor, node: Node) -> Pair:
    equation, factors = node.args[:2]
    if len(factors) != 2:
        raise NotImplementedError(f"an einsum of {len(factors)} complex tensors")
    left, right = factors
    return _product(
        parts, edit, left, right, lambda x, y: edit.call(aten.einsum.default, equation, [x, y])
    )


def _divide(parts: _Parts, edit: Editor, node: Node) -> Pair:
    left, right = (1.0, node.args[0]) if node.target is aten.reciprocal.default else node.args[:2]
    divided = partial(edit.call, aten.div.Tensor)
    if not _is_complex_operand(right):
        real, imaginary = parts.of(edit, left)
        return divided(real, right), divided(imaginary, right)
    if not isinstance(right, Node):
        return _product(parts, edit, left, 1 / right, partial(edit.call, aten.mul.Tensor))
    # a / b = a times the conjugate of b, divided by the square of its size
    real, imaginary = parts.of(edit, right)
    size = edit.call(aten.add.Tensor, _square(edit, real), _square(edit, imaginary))
    inverse = (divided(real, size), divided(edit.call(aten.neg.default, imaginary), size))
    if not isinstance(left, Node) and left == 1:
        return inverse
    product = partial(edit.call, aten.mul.Tensor)  # which takes a number as the second argument
    return _pairwise(edit, inverse, _operand(parts, edit, left), product)


def _square(edit: Editor, node: Node) -> Node:
    return edit.call(aten.mul.Tensor, node, node)


def _conjugate(parts: _Parts, edit: Editor, node: Node) -> Pair:
    real, imaginary = parts.of(edit, node.args[0])
    return real, edit.call(aten.neg.default, imaginary)


def _same(parts: _Parts, edit: Editor, node: Node) -> Pair:
    return parts.of(edit, node.args[0])


def _converted(parts: _Parts, edit: Editor, node: Node) -> Node | Pair:
    """Convert to another complex dtype, or drop the imaginary part as PyTorch does."""
    dtype = node.meta["val"].dtype
    real, imaginary = parts.of(edit, node.args[0])
    if not dtype.is_complex:
        return edit.call(aten.to.dtype, real, dtype)
    half = torch.empty(0, dtype=dtype).real.dtype
    return edit.call(aten.to.dtype, real, half), edit.call(aten.to.dtype, imaginary, half)


def _size(parts: _Parts, edit: Editor, node: Node) -> Node:
    squares = (_square(edit, part) for part in parts.of(edit, node.args[0]))
    return edit.call(aten.sqrt.default, edit.call(aten.add.Tensor, *squares))


def _angle(parts: _Parts, edit: Editor, node: Node) -> Node:
    real, imaginary = parts.of(edit, node.args[0])
    return edit.call(aten.atan2.default, imaginary, real)


def _exponential(parts: _Parts, edit: Editor, node: Node) -> Pair:
    real, imaginary = parts.of(edit, node.args[0])
    return _on_circle(edit, edit.call(aten.exp.default, real), imaginary)


def _polar(parts: _Parts, edit: Editor, node: Node) -> Pair:
    return _on_circle(edit, *node.args[:2])


def _on_circle(edit: Editor, size: Node, angle: Node) -> Pair:
    waves = (edit.call(wave, angle) for wave in (aten.cos.default, aten.sin.default))
    real, imaginary = (edit.call(aten.mul.Tensor, size, wave) for wave in waves)
    return real, imaginary


def _view_as_complex(parts: _Parts, edit: Editor, node: Node) -> Pair:
    source, dim = node.args[0], rank_of(node)
    real, imaginary = (
        edit.reshape(edit.call(aten.slice.Tensor, source, dim, i, i + 1), shape_of(node))
        for i in (0, 1)
    )
    return real, imaginary


def _view_as_real(parts: _Parts, edit: Editor, node: Node) -> Node:
    shape = [*shape_of(node)[:-1], 1]
    columns = [edit.reshape(part, shape) for part in parts.of(edit, node.args[0])]
    return edit.call(aten.cat.default, columns, len(shape) - 1)


def _dims_and_lengths(node: Node) -> tuple[list[int], list[int]]:
    """Return the dimensions and the lengths of a transform."""
    source, name = node.args[0], str(node.target).split(".")[1]
    shape, several = shape_of(source), name.endswith(("2", "n"))
    sizes = argument(node, 1, "s" if several else "n")
    dims = argument(node, 2, "dim", [-2, -1] if name.endswith("2") else None if several else -1)
    sizes = [sizes] if isinstance(sizes, int) else sizes
    if dims is None:
        dims = range(-len(sizes), 0) if sizes else range(-len(shape), 0)
    dims = [dim % len(shape) for dim in ([dims] if isinstance(dims, int) else dims)]
    lengths = [shape[dim] for dim in dims]
    if name.startswith("fft_irfft"):
        lengths[-1] = 2 * (lengths[-1] - 1)
    if sizes:
        lengths = [n if n != -1 else own for n, own in zip(sizes, lengths, strict=True)]
    return dims, lengths


def _transform(parts: _Parts, edit: Editor, node: Node) -> Node | Pair:
    """Transform along one dimension after the other; a real one is the first or the last."""
    name = str(node.target).split(".")[1].removeprefix("fft_")
    inverse = name.startswith("i")
    plan = fourier.transforms(*_dims_and_lengths(node), argument(node, 3, "norm"), inverse=inverse)
    source = node.args[0]
    if name.startswith("rfft"):
        pair = fourier.of_real(edit, source, plan[-1])
        others = plan[-2::-1] if len(plan) > 1 else []
    else:
        pair, others = parts.of(edit, source), plan[:-1] if name.startswith("irfft") else plan
    for transform in others:
        pair = fourier.of_pair(edit, pair, transform)
    return fourier.to_real(edit, pair, plan[-1]) if name.startswith("irfft") else pair


TRANSFORMS = tuple(
    getattr(aten, f"fft_{inverse}{real}fft{dims}").default
    for inverse in ("", "i")
    for real in ("", "r")
    for dims in ("", "2", "n")
)
_LINEAR = (
    *NORMAL,
    aten.cat.default,
    aten.constant_pad_nd.default,
    aten.contiguous.default,
    aten.clone.default,
    aten.copy.default,
    aten.flip.default,
    aten.fft_fftshift.default,
    aten.fft_ifftshift.default,
    aten.index.Tensor,
    aten.index_select.default,
    aten.mean.default,
    aten.mean.dim,
    aten.neg.default,
    aten.repeat.default,
    aten.roll.default,
    aten.select_scatter.default,
    aten.slice_scatter.default,
    aten.stack.default,
    aten.sum.default,
    aten.sum.dim_IntList,
    aten.tril.default,
    aten.triu.default,
)
_CONJUGATES = (aten.conj.default, aten._conj.default, aten.conj_physical.default)
_SUMS = (aten.add.Tensor, aten.sub.Tensor, aten.rsub.Scalar, aten.rsub.Tensor)
_FILLS = (aten.zeros.default, aten.zeros_like.default, aten.new_zeros.default)
_SAME = (aten.resolve_conj.default, aten.resolve_neg.default)

RULES: dict[object, Rule] = {
    **dict.fromkeys(TRANSFORMS, _transform),
    **dict.fromkeys(_LINEAR, _linear),
    **dict.fromkeys(_FILLS, _made),
    **dict.fromkeys(_SAME, _same),
    **dict.fromkeys(_SUMS, _sum),
    **dict.fromkeys((aten.to.dtype, *CONVERSIONS), _converted),
    **dict.fromkeys((aten.mul.Tensor, aten.matmul.default, aten.bmm.default), _multiply),
    **dict.fromkeys(
        (aten.conj.default, aten._conj.default, aten.conj_physical.default), _conjugate
    ),
    aten.einsum.default: _einsum,
    aten.div.Tensor: _divide,
    aten.reciprocal.default: _divide,
    aten.abs.default: _size,
    aten.angle.default: _angle,
    aten.exp.default: _exponential,
    aten.polar.default: _polar,
    aten.real.default: lambda parts, edit, node: parts.of(edit, node.args[0])[0],
    aten.imag.default: lambda parts, edit, node: parts.of(edit, node.args[0])[1],
    aten.complex.default: lambda parts, edit, node: (node.args[0], node.args[1]),
    aten.view_as_complex.default: _view_as_complex,
    aten.view_as_real.default: _view_as_real,
}
"""The rule of each operator: it returns the parts of a complex result, or a real result."""
