"""Find the channels of a rewritten graph that can be scaled without changing its result.

Every channel that a layer writes gets a class. The classes are run through the graph. Operators
that commute with a positive factor for each channel keep them. Additions join the classes that they
add. Any other operator joins the classes that it reads with the class FIXED, whose factor is one.
The remaining classes are exact by construction: any positive factor for such a class, multiplied
onto the constants that write it and divided out of the constants that read it, cancels.

    keeps            views, cat, zero padding, ReLU, pooling and averages over positions,
                     repetition, the second operand of a batched product
    absorbs          linear, convolution, product with a constant: reads one class, writes another
    takes part       addition of a constant

Labels of classes are int64 tensors in the shape of the values; most are one row that was expanded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import (
    argument,
    aten,
    has_constant_weights,
    is_call,
    is_constant,
    rank_of,
    shape_of,
)
from hvit_edge.quantize.layers import LINEAR, find_layers, is_helper

FIXED = 0  # the class whose factor is one
ANY = -1  # label of a zero that padding wrote; it fits every class


@dataclass(frozen=True)
class Absorber:
    """Describes a constant that is scaled: `constant * factor[writes] / factor[reads]`.

    Attributes:
        node: the operator that reads the constant.
        constant: weights, bias, norm scale or addend.
        writes: class of the channel that each element writes, broadcast to the constant.
        reads: class of the channel that each element multiplies, broadcast to the constant.
    """

    node: Node
    constant: Node
    writes: torch.Tensor
    reads: torch.Tensor

    @property
    def is_weight(self) -> bool:
        """Return True if the constant multiplies a channel, unlike biases and addends."""
        return self.reads.dim() > 0


class Classes:
    """Holds sets of channels that share a factor; they are joined while the graph is read."""

    def __init__(self) -> None:
        self.parents = [FIXED]

    def fresh(self, count: int) -> torch.Tensor:
        """Return the labels [count] of new classes."""
        first = len(self.parents)
        self.parents += range(first, first + count)
        return torch.arange(first, first + count)

    def join(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """Join the classes at equal places; return one of the labels for each place."""
        shape = torch.broadcast_shapes(a.shape, b.shape)
        a, b = (_without_repeats(labels) for labels in torch.broadcast_tensors(a, b))
        a, b = torch.broadcast_tensors(a, b)
        differ = (a != b) & (a != ANY) & (b != ANY)
        count = len(self.parents)
        for pair in (a[differ] * count + b[differ]).unique().tolist():
            low, high = sorted(self.root(label) for label in divmod(pair, count))
            self.parents[high] = low
        return torch.maximum(a, b).expand(shape)

    def merge(self, labels: torch.Tensor, dims: list[int]) -> torch.Tensor:
        """Join the classes along `dims` into one; these dimensions get length one."""
        if not dims:
            return labels
        shape = [1 if dim in dims else length for dim, length in enumerate(labels.shape)]
        kept = _without_repeats(labels).amax(dims, keepdim=True).expand(shape)
        self.join(labels, kept)
        return kept

    def root(self, label: int) -> int:
        """Return the smallest label of a class."""
        while self.parents[label] != label:
            self.parents[label] = self.parents[self.parents[label]]
            label = self.parents[label]
        return label

    def numbered(self) -> torch.Tensor:
        """Return the number of each label's class; the last entry, for ANY, is FIXED."""
        roots = torch.tensor([self.root(label) for label in range(len(self.parents))] + [FIXED])
        return roots.unique(return_inverse=True)[1]


def _without_repeats(labels: torch.Tensor) -> torch.Tensor:
    """Return one place of every dimension that `expand` made."""
    for dim, step in enumerate(labels.stride()):
        if step == 0 and labels.shape[dim] > 1:
            labels = labels.narrow(dim, 0, 1)
    return labels


def find_absorbers(graph: GraphModule) -> list[Absorber]:
    """Return the constants that can take part in scaling, in graph order.

    Classes are numbered from FIXED = 0. Elements with the same number must share a factor.
    """
    return _Propagation(graph).run()


class _Propagation:
    """Runs labels through a graph, node by node."""

    def __init__(self, graph: GraphModule) -> None:
        self.graph = graph
        self.classes = Classes()
        self.absorbers: list[Absorber] = []
        self.labels: dict[Node, torch.Tensor] = {}
        layers = [layer.node for layer in find_layers(graph)]
        self.layers = {node for node in layers if has_constant_weights(node)}

    def run(self) -> list[Absorber]:
        nodes = list(self.graph.graph.nodes)
        last_use = {source: node for node in nodes for source in node.all_input_nodes}
        for node in nodes:
            value = node.meta.get("val")
            shape = value.shape if isinstance(value, torch.Tensor) else ()
            self.labels[node] = self._rule(node)(node).expand(shape)
            for source in node.all_input_nodes:
                if last_use[source] is node:
                    del self.labels[source]
        numbers = self.classes.numbered()
        return [
            Absorber(item.node, item.constant, numbers[item.writes], numbers[item.reads])
            for item in self.absorbers
        ]

    def _rule(self, node: Node) -> Callable[[Node], torch.Tensor]:
        if node in self.layers:
            return self._layer
        if is_call(node, LINEAR):
            over_positions = is_helper(self.graph, node) and argument(node, 2, "bias") is None
            return self._reduce if over_positions else self._fix
        return getattr(self, RULES.get(node.target, "_fix"))

    def _fix(self, node: Node) -> torch.Tensor:
        """Fix the factors of what any other operator reads and writes to one."""
        for source in node.all_input_nodes:
            self.classes.join(self.labels[source], torch.tensor(FIXED))
        return torch.tensor(FIXED)

    def _keep(self, node: Node) -> torch.Tensor:
        return self.labels[node.args[0]]

    def _reindex(self, node: Node) -> torch.Tensor:
        arguments = torch.fx.map_arg(node.args, self.labels.__getitem__)
        return node.target(*arguments, **node.kwargs)

    def _pad(self, node: Node) -> torch.Tensor:
        if argument(node, 2, "mode", "constant") != "constant" or argument(node, 3, "value"):
            return self._fix(node)
        return aten.pad.default(self.labels[node.args[0]], node.args[1], "constant", ANY)

    def _reduce(self, node: Node) -> torch.Tensor:
        """Join the places that an average or maximum takes together into one class."""
        labels = self.labels[node.args[0]]
        places = {LINEAR: [-1], aten.mean.dim: argument(node, 1, "dim")}.get(node.target, [-2, -1])
        dims = [dim % labels.dim() for dim in places or range(labels.dim())]
        merged = self.classes.merge(labels, dims)
        return merged if merged.dim() == rank_of(node) else merged.squeeze(dims)

    def _multiply_matrices(self, node: Node) -> torch.Tensor:
        """Propagate `bmm(a, b)`: each column of `b` becomes one class, and `a` is fixed."""
        self.classes.join(self.labels[node.args[0]], torch.tensor(FIXED))
        return self.classes.merge(self.labels[node.args[1]], [1])

    def _add(self, node: Node) -> torch.Tensor:
        """Join the classes of both addends; a constant addend takes part in scaling."""
        x, constant = _tensor_and_constant(node)
        if constant is None:
            a, b = node.args[:2]
            both = isinstance(a, Node) and isinstance(b, Node)
            return self.classes.join(self.labels[a], self.labels[b]) if both else self._fix(node)
        if shape_of(x) != shape_of(node):
            return self._fix(node)
        # If all that is added to is zeros of a padding, the sum has no class and is fixed.
        writes = self._as_read_by(constant, x).clamp(min=FIXED)
        self.absorbers.append(Absorber(node, constant, writes, torch.tensor(FIXED)))
        return writes

    def _multiply(self, node: Node) -> torch.Tensor:
        """Keep classes for a product with one number or a repeating one; absorb other constants."""
        x, constant = _tensor_and_constant(node)
        if constant is None:
            return self._fix(node)
        if constant.meta["val"].numel() == 1 or shape_of(x) != shape_of(node):
            return self.labels[x]
        reads = self._as_read_by(constant, x)
        writes = self.classes.fresh(reads.numel()).reshape(reads.shape)
        self.absorbers.append(Absorber(node, constant, writes, reads))
        return writes

    def _as_read_by(self, constant: Node, x: Node) -> torch.Tensor:
        """Return the classes of `x` in the shape of a constant that is broadcast to it."""
        shape, rank = shape_of(constant), rank_of(x)
        full = [1] * (rank - len(shape)) + shape
        merged = self.classes.merge(self.labels[x], [d for d in range(rank) if full[d] == 1])
        return merged.reshape(shape)

    def _layer(self, node: Node) -> torch.Tensor:
        """Read the class of each input channel of a linear or convolution, and write new ones."""
        x, weight = node.args[:2]
        channel = rank_of(x) - (1 if node.target is LINEAR else 3)
        read = self.classes.merge(self.labels[x], [d for d in range(rank_of(x)) if d != channel])
        outputs, *_ = shape_of(weight)
        written = self.classes.fresh(outputs)
        ones = [1] * (rank_of(weight) - 2)
        groups = 1 if node.target is LINEAR else argument(node, 6, "groups", 1)
        rows = read.reshape(groups, -1)
        if groups > 1:
            rows = rows.repeat_interleave(outputs // groups, 0)
        reads = rows.reshape(*rows.shape, *ones)
        self.absorbers.append(Absorber(node, weight, written.reshape(-1, 1, *ones), reads))
        bias = argument(node, 2, "bias")
        if bias is not None:
            self.absorbers.append(Absorber(node, bias, written, torch.tensor(FIXED)))
        return written if node.target is LINEAR else written.reshape(-1, 1, 1)


RULES = {
    aten.add.Tensor: "_add",
    aten.avg_pool2d.default: "_reduce",
    aten.bmm.default: "_multiply_matrices",
    aten.cat.default: "_reindex",
    aten.max_pool2d.default: "_reduce",
    aten.mean.dim: "_reduce",
    aten.mul.Tensor: "_multiply",
    aten.pad.default: "_pad",
    aten.permute.default: "_reindex",
    aten.relu.default: "_keep",
    aten.reshape.default: "_reindex",
    aten.slice.Tensor: "_reindex",
    aten.sub.Tensor: "_add",
}


def _tensor_and_constant(node: Node) -> tuple[Node, Node | None]:
    """Return the operands of a commutative operator, with the constant second.

    The second is None unless exactly one operand is constant.
    """
    a, b = node.args[:2]
    if is_constant(a) and not is_constant(b):
        a, b = b, a
    return (a, b) if is_constant(b) and not is_constant(a) else (a, None)
