"""Write a rewritten graph in the operators of ExecuTorch's edge dialect, without tracing it.

    conv2d(x, w, b)     convolution(x, w, b, [1, 1], [0, 0], [1, 1], False, [0, 0], 1)
    reshape(x, shape)   view_copy(x, shape)
    silu(x)             mul(x, sigmoid(x))

ExecuTorch finds the same form by tracing the graph about twenty times. It is known for the
operators that `lowering` leaves in a graph.

Preconditions: the operators are those of the tables below, and none of them has a number where
XNNPACK reads a tensor. A graph with any other operator is not written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

import torch
from executorch.exir.dialects._ops import ops as exir_ops
from torch.fx import Graph, GraphModule, Node

from hvit_edge.lowering.graph import aten, rank_of, repeated, shape_of
from hvit_edge.lowering.inferred_results import infer
from hvit_edge.quantize.half_casts import CAST
from hvit_edge.quantize.int8_operators import INT8_OPERATORS
from hvit_edge.targets.xnnpack.node_shapes import computed_from

PAIRS = (
    aten.add.Tensor,
    aten.sub.Tensor,
    aten.mul.Tensor,
    aten.div.Tensor,
    aten.maximum.default,
    aten.minimum.default,
    aten.bmm.default,
)
"""Operators of two tensors and nothing else."""
SAME = (
    aten.linear.default,
    aten.abs.default,
    aten.avg_pool2d.default,
    aten.cat.default,
    aten.ceil.default,
    aten.constant_pad_nd.default,
    aten.cos.default,
    aten.elu.default,
    aten.exp.default,
    aten.floor.default,
    aten.gelu.default,
    aten.hardswish.default,
    aten.hardtanh.default,
    aten.leaky_relu.default,
    aten.log.default,
    aten.max_pool2d.default,
    aten.mean.dim,
    aten.neg.default,
    aten.relu.default,
    aten.rsqrt.default,
    aten.sigmoid.default,
    aten.sin.default,
    aten.sqrt.default,
    aten.tanh.default,
)
"""Operators that keep their names."""
COPIES = {
    aten.reshape.default: "view_copy.default",
    aten.view.default: "view_copy.default",
    aten.permute.default: "permute_copy.default",
}
"""Views, which the edge dialect replaces by copies."""
Pair = int | list[int]
PROVENANCE = ("nn_module_stack", "stack_trace", "from_node")


class NoEdgeForm(Exception):
    """Says that the form of a graph in the edge dialect is only known to ExecuTorch."""


@dataclass(frozen=True)
class EdgeGraph:
    """Holds a graph of the edge dialect.

    Attributes:
        graph: the operators; constants and inputs are placeholders. The results are in the order in
            which they are computed, each once. Tensors of `meta["val"]` have no data.
        constants: the parameters, buffers and constants by the names of their placeholders.
        inputs: the names of the inputs, in the order of the source graph.
        outputs: for each output of the source graph, the number of the result that it is.
    """

    graph: Graph = field(default_factory=Graph)
    constants: dict[str, torch.Tensor] = field(default_factory=dict)
    inputs: list[str] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)


def edge_form(source: GraphModule) -> EdgeGraph:
    """Return `source` in the edge dialect.

    Args:
        source: a rewritten graph, which is not changed; all of its values are tensors.

    Raises:
        NoEdgeForm: an operator, or its use, has no known form.
    """
    return _Writer(source).written


class _Writer:
    """Writes one graph."""

    def __init__(self, source: GraphModule) -> None:
        self.source = source
        self.written = EdgeGraph()
        self._made: dict[Node, Node] = {}
        self._constants: dict[int, Node] = {}
        self._handles: dict[object, int] = {}
        for node in source.graph.nodes:
            self._write(node)

    def _write(self, node: Node) -> None:
        if node.op == "placeholder":
            self._made[node] = self._input(node)
        elif node.op == "get_attr":
            self._made[node] = self._constant(node)
        elif node.op == "call_function":
            self._made[node] = self._call(node)
        elif node.op == "output":
            self._output(node)
        else:
            raise NoEdgeForm(node.format_node())

    def _input(self, node: Node) -> Node:
        made = self.written.graph.placeholder(node.name)
        made.meta["val"] = _without_data(node.meta["val"])
        self.written.inputs.append(made.name)
        return made

    def _constant(self, node: Node) -> Node:
        tensor = attrgetter(str(node.target))(self.source)
        if id(tensor) not in self._constants:
            made = self.written.graph.placeholder(str(node.target).replace(".", "_"))
            made.meta["val"] = _without_data(tensor)
            self._constants[id(tensor)] = made
            self.written.constants[made.name] = tensor
        return self._constants[id(tensor)]

    def _call(self, node: Node) -> Node:
        rule = RULES.get(node.target)
        if rule is None:
            raise NoEdgeForm(str(node.target))
        if all(source.op == "get_attr" for source in node.all_input_nodes):
            raise NoEdgeForm("an operator of constants, which ExecuTorch folds")
        args, kwargs = torch.fx.map_arg(_normalized(node), self._made.__getitem__)
        return rule(self, node, *args, **kwargs)

    def _output(self, node: Node) -> None:
        results = node.args[0]
        results = (results,) if isinstance(results, Node) else tuple(results)
        if not all(isinstance(r, Node) and r.op == "call_function" for r in results):
            raise NoEdgeForm("an output that no operator computes")
        wanted = {self._made[result] for result in results}
        computed = [made for made in self.written.graph.nodes if made in wanted]
        self.written.graph.output(tuple(computed))
        self.written.outputs.extend(computed.index(self._made[result]) for result in results)

    def call(self, origin: Node, operator: Any, *args: object, **kwargs: object) -> Node:
        """Append a call of an edge operator that computes `origin`, or a part of it."""
        made = self.written.graph.call_function(operator, args, kwargs)
        given = torch.fx.map_arg((args, kwargs), lambda node: node.meta["val"])
        made.meta = {key: origin.meta[key] for key in PROVENANCE if key in origin.meta}
        value = infer(operator, given[0], given[1])
        made.meta["val"] = contiguous = _without_data(value)
        if value.stride() == contiguous.stride():
            computed_from(made, given[0], given[1], contiguous)
        made.meta["debug_handle"] = self._handles.setdefault(
            _ancestor(origin), len(self._handles) + 1
        )
        return made


def _without_data(value: object) -> torch.Tensor:
    """Return a contiguous tensor of the same shape and dtype: the edge dialect has no views."""
    if not isinstance(value, torch.Tensor):
        raise NoEdgeForm("several results of one operator")
    return torch.empty(value.shape, dtype=value.dtype, device="meta")


def _ancestor(node: Node) -> object:
    """Return what identifies the node of the first export that `node` was made from."""
    chain = node.meta.get("from_node")
    if not chain:
        return node
    oldest = chain[-1]
    while oldest.from_node:
        oldest = oldest.from_node[-1]
    return oldest.name, oldest.graph_id


def _normalized(node: Node) -> tuple[tuple[object, ...], dict[str, object]]:
    """Return arguments as a traced graph has them: by position, without defaults at the end."""
    args, kwargs = list(node.args), dict(node.kwargs)
    arguments = node.target._schema.arguments
    for position, declared in enumerate(arguments):
        if declared.kwarg_only:
            if declared.name in kwargs and kwargs[declared.name] == declared.default_value:
                del kwargs[declared.name]
        elif position >= len(args):
            args.append(kwargs.pop(declared.name, declared.default_value))
    while args and not isinstance(args[-1], Node):
        declared = arguments[len(args) - 1]
        if not declared.has_default_value() or args[-1] != declared.default_value:
            break
        args.pop()
    return tuple(args), kwargs


def _edge(name: str) -> Any:
    namespace, packet, overload = name.split(".")
    return getattr(getattr(getattr(exir_ops.edge, namespace), packet), overload)


def _pair(write: _Writer, node: Node, *args: object, **kwargs: object) -> Node:
    if kwargs or len(args) != 2 or not all(isinstance(arg, Node) for arg in args):
        raise NoEdgeForm(f"{node.target} of a number")
    return write.call(node, _edge(str(node.target)), *args)


def _same(write: _Writer, node: Node, *args: object, **kwargs: object) -> Node:
    return write.call(node, _edge(str(node.target)), *args, **kwargs)


def _copy(write: _Writer, node: Node, *args: object) -> Node:
    return write.call(node, _edge(f"aten.{COPIES[node.target]}"), *args)


def _slice(write: _Writer, node: Node, x: Node, *args: object) -> Node:
    """Write a slice, or nothing for one of everything, which ExecuTorch leaves out too."""
    if shape_of(node) != list(x.meta["val"].shape):
        return write.call(node, exir_ops.edge.aten.slice_copy.Tensor, x, *args)
    if "dequantize" in str(x.target):
        raise NoEdgeForm("a slice of everything between a dequantization and a quantization")
    return x


def _clamp_min(write: _Writer, node: Node, x: Node, low: float) -> Node:
    return write.call(node, exir_ops.edge.aten.clamp.default, x, low)


def _pad(
    write: _Writer,
    node: Node,
    x: Node,
    widths: list[int],
    mode: str = "constant",
    number: float | None = None,
) -> Node:
    if mode != "constant":
        raise NoEdgeForm(f"padding by mode {mode}")
    value = 0.0 if number is None else number
    return write.call(node, exir_ops.edge.aten.constant_pad_nd.default, x, widths, value)


def _silu(write: _Writer, node: Node, x: Node) -> Node:
    if x.meta["val"].dtype is not torch.float32:
        raise NoEdgeForm("silu in another dtype, which ExecuTorch computes in float32")
    sigmoid = write.call(node, exir_ops.edge.aten.sigmoid.default, x)
    return write.call(node, exir_ops.edge.aten.mul.Tensor, x, sigmoid)


def _softmax(write: _Writer, node: Node, x: Node, dim: int, dtype: object = None) -> Node:
    if dtype is not None:
        raise NoEdgeForm("softmax in another dtype")
    return write.call(node, exir_ops.edge.aten._softmax.default, x, dim, False)


def _convolution(
    write: _Writer,
    node: Node,
    x: Node,
    weight: Node,
    bias: Node | None = None,
    stride: Pair = 1,
    padding: Pair | str = 0,
    dilation: Pair = 1,
    groups: int = 1,
) -> Node:
    if isinstance(padding, str):
        padding = _numbers(padding, weight, repeated(dilation, 2))
    return _convolve(write, node, (x, weight, bias), (stride, padding, dilation), groups)


def _numbers(padding: str, weight: Node, dilation: list[int]) -> list[int]:
    """Return the padding "valid", or "same" if it is equal on both sides, as numbers."""
    if padding == "valid":
        return [0, 0]
    kernel = shape_of(weight)[2:]
    total = [step * (size - 1) for step, size in zip(dilation, kernel, strict=True)]
    if any(size % 2 for size in total):
        raise NoEdgeForm("a convolution with more padding on one side")
    return [size // 2 for size in total]


def _transposed_convolution(
    write: _Writer,
    node: Node,
    x: Node,
    weight: Node,
    bias: Node | None = None,
    stride: Pair = 1,
    padding: Pair = 0,
    output_padding: Pair = 0,
    groups: int = 1,
    dilation: Pair = 1,
) -> Node:
    options = (stride, padding, dilation)
    return _convolve(write, node, (x, weight, bias), options, groups, repeated(output_padding, 2))


def _convolve(
    write: _Writer,
    node: Node,
    operands: tuple[Node, Node, Node | None],
    options: tuple[Pair, Pair, Pair],
    groups: int,
    output_padding: list[int] | None = None,
) -> Node:
    """Write a convolution, whose options other than the groups are lists of two numbers."""
    if rank_of(operands[0]) != 4:
        raise NoEdgeForm("a convolution of an image without a batch")
    pairs = [repeated(option, 2) for option in options]
    transposed = (output_padding is not None, output_padding or [0, 0])
    operator = exir_ops.edge.aten.convolution.default
    return write.call(node, operator, *operands, *pairs, *transposed, groups)


RULES: Mapping[object, Callable[..., Node]] = {
    **dict.fromkeys(PAIRS, _pair),
    **dict.fromkeys((*SAME, *INT8_OPERATORS, CAST), _same),
    **dict.fromkeys(COPIES, _copy),
    aten.slice.Tensor: _slice,
    aten.clamp_min.default: _clamp_min,
    aten.pad.default: _pad,
    aten.silu.default: _silu,
    aten.softmax.int: _softmax,
    aten.conv2d.default: _convolution,
    aten.conv2d.padding: _convolution,
    aten.conv_transpose2d.input: _transposed_convolution,
}
