"""Fuse attention that is written as separate operators into one attention operator.

Identity:   softmax(s * q k + b) v = scaled_dot_product_attention(q, k^T, v, attn_mask=b, scale=s)

    q, k -> matmul -> mul(s) or div(1 / s) -> add(b) -> softmax(-1) -> matmul(v) -> y
    q, permute(k), v -> scaled_dot_product_attention(attn_mask=b, scale=s) -> y

Preconditions: every step has one user. s is a number, or a constant with one number per matrix; the
constant scales q. b is a floating-point constant, or a sum of several with reshapes between them
that keep the last two dimensions, as in shifted windows. s and b may each be missing. q, k and v
have the same dimensions before the last two, at least one. Exact up to the order of operations.
"""

from __future__ import annotations

from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import (
    Editor,
    argument,
    aten,
    constant_tensor,
    is_call,
    is_constant,
    nodes_calling,
    only_user,
    rank_of,
    shape_of,
)

PRODUCTS = (aten.matmul.default, aten.bmm.default)
SOFTMAX = (aten.softmax.int, aten._softmax.default)
SCALES = (aten.mul.Tensor, aten.mul.Scalar, aten.div.Tensor, aten.div.Scalar)


def fuse_attention(graph: GraphModule) -> bool:
    """Apply the rewrite. Return True if it changed the graph."""
    modified = False
    for softmax in nodes_calling(graph, *SOFTMAX):
        product = only_user(softmax)
        if not is_call(product, *PRODUCTS) or product.args[0] is not softmax:
            continue
        other_dtype = argument(softmax, 2, "dtype")
        if other_dtype or softmax.args[1] % rank_of(softmax) != rank_of(softmax) - 1:
            continue
        biases, rest = _biases(graph, softmax.args[0])
        scale, scores = _scale(graph, rest)
        if not is_call(scores, *PRODUCTS) or only_user(scores) is None:
            continue
        (query, key), value = scores.args[:2], product.args[1]
        lead = shape_of(query)[:-2]
        if (
            not lead
            or shape_of(scores) != shape_of(softmax)
            or any(shape_of(side)[:-2] != lead for side in (key, value))
        ):
            continue
        edit = Editor(graph, product)
        if isinstance(scale, Node):
            query, scale = edit.call(aten.mul.Tensor, query, scale), 1.0
        order = [*range(len(lead)), len(lead) + 1, len(lead)]
        across = edit.call(aten.permute.default, key, order)
        options = {"scale": scale} | _mask(graph, edit, biases, scores)
        attention = aten.scaled_dot_product_attention.default
        edit.replace(edit.call(attention, query, across, value, **options))
        modified = True
    return modified


def _biases(graph: GraphModule, scores: object) -> tuple[list[tuple[Node, list[int]]], object]:
    """Return the constants that are added last, and the node that they are added to.

    Each constant comes with the shape of the sum.
    """
    found: list[tuple[Node, list[int]]] = []
    while True:
        bias, rest = _bias(scores)
        if bias is not None:
            found.append((bias, shape_of(scores)))
        elif is_call(scores, aten.reshape.default) and only_user(scores) is not None:
            rest = scores.args[0]
            if shape_of(rest)[-2:] != shape_of(scores)[-2:]:
                return found, scores
        else:
            return found, scores
        scores = rest


def _mask(
    graph: GraphModule, edit: Editor, biases: list[tuple[Node, list[int]]], scores: Node
) -> dict[str, Node]:
    """Return the sum of all biases as the option `attn_mask`, in the shape of the scores.

    The result is empty if there are no biases.
    """
    if not biases:
        return {}
    if len(biases) == 1 and biases[0][1] == shape_of(scores):
        return {"attn_mask": biases[0][0]}
    shape = shape_of(scores)
    parts = [constant_tensor(graph, bias).double().expand(at).reshape(shape) for bias, at in biases]
    return {"attn_mask": edit.constant_like(f"{scores.name}_bias", sum(parts), scores)}


def _bias(scores: object) -> tuple[Node | None, object]:
    """Return the constant that is added last, if any, and the node that it is added to."""
    if not is_call(scores, aten.add.Tensor) or argument(scores, 2, "alpha", 1) != 1:
        return None, scores
    left, right = scores.args[:2]
    if only_user(scores) is None or not isinstance(right, Node):
        return None, scores
    for added, rest in ((right, left), (left, right)):
        floating = is_constant(added) and added.meta["val"].is_floating_point()
        if floating and isinstance(rest, Node) and shape_of(rest) == shape_of(scores):
            return added, rest
    return None, scores


def _scale(graph: GraphModule, scores: object) -> tuple[float | Node, object]:
    """Return the factor of the scores, and the scores without it.

    The factor is a number, or a constant node with one number per matrix.
    """
    if not is_call(scores, *SCALES) or only_user(scores) is None:
        return 1.0, scores
    source, factor = scores.args[:2]
    if is_constant(factor):
        tensor = constant_tensor(graph, factor)
        of_matrices = tensor.dim() >= 2 and tensor.shape[-2:] == (1, 1)
        if of_matrices and scores.target is aten.mul.Tensor and isinstance(source, Node):
            return factor, source
        factor = tensor.item() if tensor.numel() == 1 else None
    if not isinstance(factor, int | float) or not isinstance(source, Node) or factor == 0:
        return 1.0, scores
    divides = scores.target in (aten.div.Tensor, aten.div.Scalar)
    return (1 / factor if divides else float(factor)), source
