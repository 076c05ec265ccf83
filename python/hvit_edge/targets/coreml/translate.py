"""A rewritten graph as a Core ML program (MIL): operator by operator, arrays laid out for Apple."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from coremltools.converters.mil import Builder as mb
from coremltools.converters.mil.mil import Function, Program, types
from torch.fx import GraphModule, Node

from hvit_edge.coreml.features import IMAGE, LOGITS, PROBABILITIES
from hvit_edge.errors import LoweringError
from hvit_edge.lowering.graph import constant_tensor, module_path
from hvit_edge.lowering.plain_layout import store_plainly
from hvit_edge.quantize.ranges import Range
from hvit_edge.targets.coreml.layout import MAX_RANK, Layout
from hvit_edge.targets.coreml.rules import RULES
from hvit_edge.targets.coreml.rules.registry import Call
from hvit_edge.targets.coreml.values import Value, plain


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
        LoweringError: an operator has no translation, or an array would need more than five
            axes; names the operator, its module and its line.
    """
    store_plainly(graph)
    nodes = list(graph.graph.nodes)
    _check(nodes)
    given = next(node for node in nodes if node.op == "placeholder")
    shape = tuple(given.meta["val"].shape)
    image = mb.placeholder(shape=shape, dtype=types.fp32, name=IMAGE)
    with Function({IMAGE: image}, opset_version=opset) as function:
        builder = _Builder(graph, function, {}, {}, {}, opset, ranges or {})
        normalised = _normalised(function.inputs[IMAGE], pixels)
        builder.values[given] = Value(normalised, Layout.plain(shape))
        for node in nodes:
            builder.add(node)
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


def _check(nodes: list[Node]) -> None:
    unknown = [
        node
        for node in nodes
        if node.op == "call_function" and node.target not in (*RULES, operator.getitem)
    ]
    if unknown:
        listed = "".join(f"\n  {_where(node)}" for node in unknown)
        raise LoweringError(
            "[coreml] expected operators that have a translation, got others; replace them in the"
            f" module, or compile for another target:{listed}"
        )


def _where(node: Node) -> str:
    """The operator, its module and the last line of the user's code that called it."""
    lines = re.findall(r'File "(.+)", line (\d+)', node.meta.get("stack_trace") or "")
    line = f" ({lines[-1][0]}:{lines[-1][1]})" if lines else ""
    return f"{node.target} in {module_path(node) or 'the root module'}{line}"


@contextmanager
def _refusals(node: Node) -> Iterator[None]:
    """Turn what rules and coremltools raise into an error that names the operator."""
    try:
        yield
    except (ValueError, TypeError, LookupError, NotImplementedError, AssertionError) as error:
        raise LoweringError(
            f"[coreml] expected {_where(node)} to have a form that Core ML knows, got another"
            f" ({error}); change the module, or compile for another target"
        ) from error


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

    def add(self, node: Node) -> None:
        if node.op == "get_attr":
            tensor = constant_tensor(self.graph, node)
            self.values[node] = Value.constant(tensor.numpy())
        elif node.op == "call_function":
            self.values[node] = self._call(node)

    def plain(self, node: Node) -> Value:
        """The tensor of `node`, its array in PyTorch's order."""
        with _refusals(node):
            plain(self.values[node])
        return self.values[node]

    def _call(self, node: Node) -> Value:
        known = set(self.function.operations)
        call = Call(node, self.values, _is_ios18(self.opset), self.ranges)
        with _refusals(node):
            value = RULES[node.target](call)
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
                raise LoweringError(
                    f"[coreml] expected arrays of at most {MAX_RANK} axes, got {output.rank} for"
                    f" {_where(node)}; reshape with fewer dimensions"
                )


def _is_ios18(opset: object) -> bool:
    return opset.value >= 9  # specification version of iOS 18
