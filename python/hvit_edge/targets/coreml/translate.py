"""A rewritten graph as a Core ML program (MIL): operator by operator, arrays laid out for Apple."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from coremltools.converters.mil import Builder as mb
from coremltools.converters.mil.mil import Function, Program, types
from torch.fx import GraphModule, Node

from hvit_edge.coreml.features import IMAGE, LOGITS, PROBABILITIES
from hvit_edge.lowering.graph import constant_tensor, module_path, shape_of
from hvit_edge.lowering.plain_layout import store_plainly
from hvit_edge.quantize.ranges import Range
from hvit_edge.targets.coreml.layout import MAX_RANK, Layout
from hvit_edge.targets.coreml.rules import RULES
from hvit_edge.targets.coreml.rules.registry import Call
from hvit_edge.targets.coreml.values import Value, plain
from hvit_edge.targets.coreml.write_out import write_out
from hvit_edge.targets.refusals import Needs, Refusal, refuse_all

NEEDS = Needs(
    "coreml",
    "operators that the Core ML target translates",
    "replace them in the module, or compile with --target xnnpack",
)
REFUSED = (ValueError, TypeError, LookupError, NotImplementedError, AssertionError)
"""What rules and coremltools raise of an operator in a form that they do not take."""


@dataclass(frozen=True)
class Pixels:
    """What a program does to pixel values 0 to 255: `x * scale + bias` for each channel."""

    scale: np.ndarray
    bias: np.ndarray


@dataclass(frozen=True)
class Translated:
    """A program and where its operators came from.

    Attributes:
        program: with the input "image" and the outputs "logits" and "probabilities".
        modules: dotted path of the module by operator name.
        nodes: name of the graph's node by operator name.
    """

    program: Program
    modules: dict[str, str]
    nodes: dict[str, str]


def translate(
    graph: GraphModule,
    *,
    opset: object,
    pixels: Pixels | None,
    ranges: Mapping[Node, Range] | None = None,
) -> Translated:
    """Translate `graph`, which maps float32 [1, C, H, W] to logits [1, classes].

    Args:
        graph: rewritten by `COREML_PIPELINE`.
        opset: the `coremltools.target` that the program needs at least.
        pixels: None for a program that takes what `graph` takes.
        ranges: int8 ranges of what layers read, by the layer's node.

    Raises:
        LoweringError: an operator has no translation, or not in its form; names each such
            operator, its module and the line of the user's code.
    """
    write_out(graph, RULES)
    store_plainly(graph)
    nodes = list(graph.graph.nodes)
    given = next(node for node in nodes if node.op == "placeholder")
    shape = tuple(given.meta["val"].shape)
    image = mb.placeholder(shape=shape, dtype=types.fp32, name=IMAGE)
    with Function({IMAGE: image}, opset_version=opset) as function:
        builder = _Builder(graph, function, {}, {}, {}, opset, ranges or {})
        normalised = _normalised(function.inputs[IMAGE], pixels)
        builder.values[given] = Value(normalised, Layout.plain(shape))
        for node in nodes:
            builder.add(node)
        if builder.refusals:
            raise refuse_all(builder.refusals)
        result = builder.plain(next(n for n in nodes if n.op == "output").args[0][0])
        logits = mb.identity(x=result.data, name=LOGITS)
        shares = mb.softmax(x=result.data, axis=-1, name=PROBABILITIES)
        function.set_outputs([logits, shares])
    program = Program()
    program.add_function("main", function)
    return Translated(program, builder.modules, builder.nodes)


def _normalised(image: object, pixels: Pixels | None) -> object:
    if pixels is None:
        return image
    scale, bias = (a.astype(np.float32).reshape(1, -1, 1, 1) for a in (pixels.scale, pixels.bias))
    scaled = mb.mul(x=image, y=scale, name="normalise_scale")
    return mb.add(x=scaled, y=bias, name="normalise_bias") if bias.any() else scaled


@dataclass
class _Builder:
    """Adds one node after another to a function."""

    graph: GraphModule
    function: Function
    values: dict[Node, Value]
    modules: dict[str, str]
    nodes: dict[str, str]
    opset: object
    ranges: Mapping[Node, Range]
    refusals: list[Refusal] = field(default_factory=list)

    def add(self, node: Node) -> None:
        if node.op == "get_attr":
            tensor = constant_tensor(self.graph, node)
            self.values[node] = Value.constant(tensor.numpy())
        elif node.op == "call_function":
            try:
                self.values[node] = self._call(node)
            except Refusal as refusal:
                self.refusals.append(refusal)
                if not _is_static(node):  # nothing after it has a shape to look at
                    raise refuse_all(self.refusals) from refusal
                self.values[node] = _stand_in(node)

    def plain(self, node: Node) -> Value:
        """The tensor of `node`, its array in PyTorch's order."""
        plain(self.values[node])
        return self.values[node]

    def _call(self, node: Node) -> Value | tuple[Value, ...]:
        if node.target is operator.getitem:
            return self.values[node.args[0]][node.args[1]]
        if node.target not in RULES:
            raise Refusal(NEEDS, node, str(node.target))
        known = set(self.function.operations)
        call = Call(node, self.values, _is_ios18(self.opset), self.ranges)
        try:
            value = RULES[node.target](call)
        except REFUSED as error:
            raise Refusal(NEEDS, node, f"{node.target} ({error})") from error
        for operation in self.function.operations:
            if operation not in known and operation.op_type != "const":
                self._name(operation, node)
        return value

    def _name(self, operation: object, node: Node) -> None:
        """Note where an operator came from; refuse arrays that Core ML would refuse."""
        self.modules[operation.name] = module_path(node)
        self.nodes[operation.name] = node.name
        for output in operation.outputs:
            if output.rank > MAX_RANK:
                what = f"{node.target} (an array of {output.rank} axes, of at most {MAX_RANK})"
                raise Refusal(NEEDS, node, what)


def _is_static(node: Node) -> bool:
    made = node.meta.get("val")
    parts = made if isinstance(made, (tuple, list)) else [made]
    return all(isinstance(n, int) for part in parts if part is not None for n in part.shape)


def _stand_in(node: Node) -> Value | tuple[Value, ...]:
    """Let what follows a refused operator be looked at too."""
    made = node.meta.get("val")
    if isinstance(made, (tuple, list)):
        return tuple(_filled(list(part.shape)) for part in made)
    return _filled(shape_of(node) if isinstance(made, torch.Tensor) else [1])


def _filled(shape: list[int]) -> Value:
    layout = Layout.folded(shape)
    return Value(mb.fill(shape=layout.array_shape or [1], value=np.float32(0)), layout)


def _is_ios18(opset: object) -> bool:
    return opset.value >= 9  # specification version of iOS 18
