"""Decompose operators that PyTorch composes from others.

Identity:   an operator = the operators from which PyTorch itself computes it

    x, y -> einsum("bij,bkj->bik") -> z      x -> permute.. -> bmm(permute(y)) -> .. -> z
    x, y -> stack(1) -> z                    unsqueeze(x), unsqueeze(y) -> cat(1) -> z
    x -> pixel_shuffle(2) -> y               x -> reshape -> permute -> reshape -> y

ExecuTorch does the same later, when no rewrite can move the parts into the delegate any more.

Preconditions: floating point; the operator has no kernel of its own, or is one of `DECOMPOSED`; it
is not one of `KEPT`, which later rewrites or the delegate handle. Bit-equal, because PyTorch
computes or defines these operators this way.
"""

from __future__ import annotations

import operator
from collections.abc import Callable

import torch
from torch._decomp import get_decompositions
from torch.fx import GraphModule, Node
from torch.fx.experimental.proxy_tensor import make_fx

from hvit_edge.lowering.graph import Editor, aten, constant_tensor

COMPOSITE = torch._C.DispatchKey.CompositeImplicitAutograd

_NAMES = """
    _assert_tensor_metadata adaptive_avg_pool1d adaptive_avg_pool2d adaptive_max_pool1d
    adjoint avg_pool1d batch_norm broadcast_to chunk contiguous conv1d conv2d conv3d
    conv_transpose1d conv_transpose2d dropout expand_as feature_dropout flatten group_norm
    instance_norm layer_norm linear log_sigmoid log_softmax mT matmul max_pool1d max_pool2d moveaxis
    movedim narrow numpy_T pad prelu ravel relu6 repeat_interleave reshape reshape_as
    rms_norm scaled_dot_product_attention selu softmax split squeeze swapaxes swapdims
    tensor_split to unbind unflatten unsafe_chunk upsample_bicubic2d upsample_bilinear2d
    upsample_linear1d upsample_nearest1d upsample_nearest2d upsample_trilinear3d
    _upsample_bicubic2d_aa _upsample_bilinear2d_aa _upsample_nearest_exact1d
    _upsample_nearest_exact2d view_as
"""
KEPT = frozenset(f"aten::{name}" for name in _NAMES.split())
"""Composite operators that later rewrites or the delegate handle, by name without overload."""

DECOMPOSED = (
    aten.addbmm.default,
    aten.addcdiv.default,
    aten.addcmul.default,
    aten.addmm.default,
    aten.addmv.default,
    aten.addr.default,
    aten.baddbmm.default,
    aten.channel_shuffle.default,
    aten.dot.default,
    aten.lerp.Scalar,
    aten.lerp.Tensor,
    aten.mv.default,
    aten.norm.ScalarOpt_dim,
    aten.pixel_shuffle.default,
    aten.pixel_unshuffle.default,
    aten.rot90.default,
    aten.stack.default,
)
"""Operators that have kernels, but that PyTorch also defines by others."""


def decompose_composites(graph: GraphModule) -> bool:
    """Apply the rewrite. Return True if it changed the graph."""
    modified = False
    for node in list(graph.graph.nodes):
        if node.op == "call_function" and not node._erased and _is_decomposed(node):
            _write_out(graph, node)
            modified = True
    return modified


def _is_decomposed(node: Node) -> bool:
    target, values = node.target, node.meta.get("val")
    if not isinstance(target, torch._ops.OpOverload) or target.namespace != "aten":
        return False
    parts = values if isinstance(values, list | tuple) else [values]
    if not all(isinstance(v, torch.Tensor) and v.dtype.is_floating_point for v in parts):
        return False
    if target in DECOMPOSED:
        return True
    composite = torch._C._dispatch_has_kernel_for_dispatch_key(target.name(), COMPOSITE)
    return composite and target._schema.name not in KEPT


def _write_out(graph: GraphModule, node: Node) -> None:
    """Trace the operator on tensors without data, and replace it with the operators it calls."""
    sources = node.all_input_nodes
    traced = make_fx(_caller(node, sources), get_decompositions(DECOMPOSED))(
        *(source.meta["val"] for source in sources)
    )
    edit = Editor(graph, node)
    known: dict[Node, object] = dict(
        zip(traced.graph.find_nodes(op="placeholder"), sources, strict=True)
    )
    for inner in traced.graph.nodes:
        if inner.op == "call_function":
            arguments = torch.fx.map_arg((inner.args, inner.kwargs), known.__getitem__)
            operator_called = _out_of_place(inner.target)
            known[inner] = edit.call(operator_called, *arguments[0], **_on_cpu(arguments[1]))
            if operator_called is not inner.target:
                known[inner.args[0]] = known[inner]
        elif inner.op == "get_attr":
            known[inner] = edit.constant(f"{node.name}_constant", constant_tensor(traced, inner))
    (results,) = traced.graph.output_node().args
    if not isinstance(results, list | tuple):
        edit.replace(known[results])
        return
    for item in list(node.users):
        assert item.target is operator.getitem
        item.replace_all_uses_with(known[results[item.args[1]]])
        graph.graph.erase_node(item)
    graph.graph.erase_node(node)


def _caller(node: Node, sources: list[Node]) -> Callable[..., object]:
    """Return the operator as a function of its tensors, with all other arguments bound."""

    def call(*tensors: torch.Tensor) -> object:
        given = dict(zip(sources, tensors, strict=True))
        args, kwargs = torch.fx.map_arg((node.args, node.kwargs), given.__getitem__)
        return node.target(*args, **kwargs)

    return call


def _out_of_place(target: Callable[..., object]) -> Callable[..., object]:
    """Return the operator that computes what `target` writes to its first argument."""
    if not isinstance(target, torch._ops.OpOverload) or not target._schema.is_mutable:
        return target  # a part of several results is taken by a function that has no schema
    name = target._schema.name.split("::")[1].removesuffix("_")
    return getattr(getattr(aten, name), target._overloadname)


def _on_cpu(kwargs: dict[str, object]) -> dict[str, object]:
    """Return `kwargs` with the device that tracing recorded replaced by the CPU."""
    return {k: torch.device("cpu") if k == "device" else v for k, v in kwargs.items()}
