"""Translate a rewritten graph, operator by operator, to a Core ML program (MIL)."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import islice

import numpy as np
import torch
from coremltools.converters.mil import Builder as mb
from coremltools.converters.mil.mil import Function, Operation, Placeholder, Program, Var, types
from torch.fx import GraphModule, Node

from hvit_edge.coreml.features import IMAGE
from hvit_edge.lowering.graph import constant_tensor, is_static, module_path, shape_of
from hvit_edge.lowering.plain_layout import store_plainly
from hvit_edge.quantize.ranges import Range
from hvit_edge.targets.coreml.layout import MAX_RANK, Layout
from hvit_edge.targets.coreml.photo_outputs import Outputs, classified
from hvit_edge.targets.coreml.rules import RULES
from hvit_edge.targets.coreml.rules.registry import Call
from hvit_edge.targets.coreml.values import Value, plain
from hvit_edge.targets.refusals import Needs, Refusal, check_flat, refuse_all
from hvit_edge.targets.write_out import write_out

NEEDS = Needs(
    "coreml",
    "operators that the Core ML target translates",
    "replace them in the module, or compile with --target xnnpack (target='xnnpack')",
)
REFUSED = (ValueError, TypeError, LookupError, NotImplementedError, AssertionError)
"""The errors of rules and coremltools for an operator whose form they do not support."""


@dataclass(frozen=True)
class Pixels:
    """Says what a program does to pixel values 0 to 255: `x * scale + bias` for each channel."""

    scale: np.ndarray
    bias: np.ndarray


@dataclass(frozen=True)
class Names:
    """Holds the names of a program's inputs and outputs, in the graph's order."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class Translated:
    """Holds a program and says where its operators came from.

    Attributes:
        program: a program with the input "image" and the outputs of the task, or with the names
            that were asked for.
        modules: the dotted path of the module, by operator name.
        nodes: the name of the graph's node, by operator name.
    """

    program: Program
    modules: dict[str, str]
    nodes: dict[str, str]


def translate(
    graph: GraphModule,
    *,
    opset: IntEnum,
    pixels: Pixels | None,
    ranges: Mapping[Node, Range] | None = None,
    names: Names | None = None,
    outputs: Outputs = classified,
) -> Translated:
    """Translate `graph`, which maps float32 [1, C, H, W] to the results of a task.

    Args:
        graph: a graph that was rewritten by `COREML_PIPELINE`; it is changed.
        opset: the oldest `coremltools.target` that the program must run on.
        pixels: what the program does to pixels first; None for a program that reads the inputs of
            `graph`.
        ranges: int8 ranges of layers' inputs, by the layer's node.
        names: the names of inputs and outputs of a graph that maps any tensors to any others.
        outputs: adds the outputs of a graph that reads a photo; by default logits [1, classes] and
            probabilities.

    Raises:
        LoweringError: an operator has no translation, or not in this form. The error names each
            such operator, its module and the line of the user's code.
    """
    write_out(graph, RULES)
    store_plainly(graph)
    check_flat(graph, NEEDS)
    nodes = list(graph.graph.nodes)
    given = [node for node in nodes if node.op == "placeholder"]
    inputs = names.inputs if names else (IMAGE,)
    arrays = {name: _array(node, name) for name, node in zip(inputs, given, strict=True)}
    with Function(arrays, opset_version=opset) as function:
        builder = _Builder(graph, function, {}, {}, {}, opset, ranges or {})
        for name, node in zip(inputs, given, strict=True):
            array = _normalized(function.inputs[name], pixels)
            if node.meta["val"].dtype is torch.bool:
                array = mb.cast(x=array, dtype="bool")
            builder.values[node] = Value(array, Layout.plain(tuple(node.meta["val"].shape)))
        for node in nodes:
            builder.add(node)
        if builder.refusals:
            raise refuse_all(builder.refusals)
        results = [builder.plain(node) for node in next(_outputs(nodes)).args[0]]
        function.set_outputs(_named(results, names) if names else outputs(results))
    program = Program()
    program.add_function("main", function)
    return Translated(program, builder.modules, builder.nodes)


def _outputs(nodes: list[Node]) -> Iterator[Node]:
    return (node for node in nodes if node.op == "output")


def _array(node: Node, name: str) -> Placeholder:
    """Return an input of the program: float32 or, for integers and booleans, int32."""
    value = node.meta["val"]
    dtype = types.fp32 if value.is_floating_point() else types.int32
    return mb.placeholder(shape=tuple(value.shape), dtype=dtype, name=name)


def _named(results: list[Value], names: Names) -> list[Var]:
    """Return the outputs of the program: booleans are cast to int32."""
    outputs = []
    for result, name in zip(results, names.outputs, strict=True):
        data = result.data
        if isinstance(data, np.ndarray):
            data = mb.const(val=data)
        is_bool = data.dtype is types.bool
        outputs.append(
            mb.cast(x=data, dtype="int32", name=name) if is_bool else mb.identity(x=data, name=name)
        )
    return outputs


def _normalized(image: Var, pixels: Pixels | None) -> Var:
    if pixels is None:
        return image
    scale: np.ndarray = pixels.scale.astype(np.float32).reshape(1, -1, 1, 1)
    bias: np.ndarray = pixels.bias.astype(np.float32).reshape(1, -1, 1, 1)
    scaled = mb.mul(x=image, y=scale, name="normalise_scale")
    return mb.add(x=scaled, y=bias, name="normalise_bias") if bias.any() else scaled


@dataclass
class _Builder:
    """Adds one node after another to a function.

    Attributes:
        values: the tensor of each node with one result.
        parts: the tensors of each node with several results, which `getitem` reads.
    """

    graph: GraphModule
    function: Function
    values: dict[Node, Value]
    modules: dict[str, str]
    nodes: dict[str, str]
    opset: IntEnum
    ranges: Mapping[Node, Range]
    parts: dict[Node, tuple[Value, ...]] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)

    def add(self, node: Node) -> None:
        if node.op == "get_attr":
            tensor = constant_tensor(self.graph, node)
            if tensor.dtype is torch.bfloat16:  # which NumPy lacks, and float32 contains
                tensor = tensor.float()
            self.values[node] = Value.constant(tensor.numpy())
        elif node.op == "call_function" and not _is_unread_part(node):
            try:
                self._keep(node, self._call(node))
            except Refusal as refusal:
                self.refusals.append(refusal)
                if not is_static(node):  # nothing after it has a known shape
                    raise refuse_all(self.refusals) from refusal
                self._keep(node, _stand_in(node))

    def _keep(self, node: Node, made: Value | tuple[Value, ...]) -> None:
        if isinstance(made, tuple):
            self.parts[node] = made
        else:
            self.values[node] = made

    def plain(self, node: Node) -> Value:
        """Return the tensor of `node`, after its array was arranged in PyTorch's order."""
        plain(self.values[node])
        return self.values[node]

    def _call(self, node: Node) -> Value | tuple[Value, ...]:
        if node.target is operator.getitem:
            return self.parts[node.args[0]][node.args[1]]
        if node.target not in RULES:
            raise Refusal(NEEDS, node, str(node.target))
        known = len(self.function.operations)
        call = Call(node, self.values, _is_ios18(self.opset), self.ranges)
        try:
            value = RULES[node.target](call)
        except REFUSED as error:
            raise Refusal(NEEDS, node, f"{node.target} ({error})") from error
        for operation in self._since(known):
            if operation.op_type != "const":
                self._name(operation, node)
        return value

    def _since(self, known: int) -> list[Operation]:
        """Return the operators after the first `known` ones, in order; rules only append."""
        operations = self.function.operations
        return list(islice(reversed(operations), len(operations) - known))[::-1]

    def _name(self, operation: Operation, node: Node) -> None:
        """Record where an operator came from, and refuse arrays that Core ML would refuse."""
        self.modules[operation.name] = module_path(node)
        self.nodes[operation.name] = node.name
        for output in operation.outputs:
            if output.rank > MAX_RANK:
                what = f"{node.target} (an array of {output.rank} axes, of at most {MAX_RANK})"
                raise Refusal(NEEDS, node, what)


def _is_unread_part(node: Node) -> bool:
    """Return True if `node` is one of several results and nothing reads it; rules may omit it."""
    return node.target is operator.getitem and not node.users


def _stand_in(node: Node) -> Value | tuple[Value, ...]:
    """Return a placeholder value for a refused operator, so that later operators are
    checked too.
    """
    made = node.meta.get("val")
    if isinstance(made, (tuple, list)):
        return tuple(_filled(list(part.shape)) for part in made)
    return _filled(shape_of(node) if isinstance(made, torch.Tensor) else [1])


def _filled(shape: list[int]) -> Value:
    layout = Layout.folded(shape)
    return Value(mb.fill(shape=layout.array_shape or [1], value=np.float32(0)), layout)


def _is_ios18(opset: IntEnum) -> bool:
    return opset.value >= 9  # the specification version of iOS 18
