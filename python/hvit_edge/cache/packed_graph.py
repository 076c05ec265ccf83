"""Write a graph as an entry, and build an equal graph from it.

A node is stored with its operator's name, arguments, shape and dtype, module path and lines of
code. Operators are found by name among those of PyTorch, so that an entry cannot name any other
function. A constant that is one of `known` tensors, such as the weights of the module that was
exported, is stored as its name only.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.fx import Graph, GraphModule, Node
from torch.fx.graph import _PyTreeCodeGen, _PyTreeInfo
from torch.utils._pytree import treespec_dumps, treespec_loads

from hvit_edge.cache.entry import Entry, NotStorable
from hvit_edge.lowering.graph import shared_constants, shared_key

STORED = ("aten",)
DIGESTED = (*STORED, "hvit_edge", "quantized_decomposed")
"""Namespaces of operators: what an entry may name, and what depends only on the versions."""
_FUNCTIONS = {"operator.getitem": operator.getitem}
_PLAIN_META = ("nn_module_stack", "stack_trace")
PARAMETER, BUFFER, UNSAVED_BUFFER, ATTRIBUTE = "parameter", "buffer", "unsaved", "attribute"
_KINDS = {"dtype": torch.dtype, "layout": torch.layout, "memory_format": torch.memory_format}
Known = Mapping[str, torch.Tensor]


def graph_digest(graph: GraphModule, known: Known | None = None) -> str:
    """Return a digest of a graph and its constants; of `known` ones it has only the names.

    Raises:
        NotStorable: the graph has an operator that is neither PyTorch's nor ours.
    """
    return pack(graph, known, DIGESTED).digest()


def pack(
    graph: GraphModule, known: Known | None = None, operators: Sequence[str] = STORED
) -> Entry:
    """Return a graph as an entry; its tensors are shared, not copied.

    Args:
        graph: from `export_graph`, or rewritten.
        known: tensors that `unpack` will be given again, by name.
        operators: the namespaces of operators that are allowed; `unpack` needs the same ones.

    Raises:
        NotStorable: the graph has something that is no operator of ATen, or values other than
            tensors, numbers and texts.
    """
    constants = _Constants(known or {})
    nodes = [_packed_node(node, operators) for node in graph.graph.nodes]
    value = {
        "modules": [path for path, _ in graph.named_modules() if path],
        "constants": [constants.packed(*item) for item in _stored(graph)],
        "small": [name for name in shared_constants(graph).values() if hasattr(graph, name)],
        "nodes": nodes,
        "signature": _packed_signature(graph.graph),
    }
    return Entry(value, tuple(constants.tensors))


def unpack(
    entry: Entry, known: Known | None = None, operators: Sequence[str] = STORED
) -> GraphModule:
    """Return the graph that `pack` was given.

    Args:
        entry: from `pack`.
        known: the tensors that `pack` was given.
        operators: the namespaces of operators that are allowed, those of `pack`; their operators
            must be registered.

    Raises:
        ValueError, KeyError, TypeError, AttributeError, IndexError, RuntimeError: the entry is not
            from `pack` with the same `known`.
    """
    value: Any = entry.value
    root = GraphModule(nn.Module(), Graph())  # its constructor would reorder the constants
    for path in value["modules"]:
        owner, _, name = path.rpartition(".")
        root.get_submodule(owner).add_module(name, nn.Module())
    made: dict[object, torch.Tensor] = {}
    for one in value["constants"]:
        _register(root, one, entry.tensors, known or {}, made)
    graph, nodes = Graph(), {}
    for one in value["nodes"]:
        nodes[one["name"]] = _unpacked_node(graph, one, nodes, operators)
    signature = value["signature"]
    if signature is not None:
        specs = (treespec_loads(signature["inputs"]), treespec_loads(signature["outputs"]))
        graph.set_codegen(_PyTreeCodeGen(_PyTreeInfo(list(signature["names"]), *specs)))
    root.graph = graph
    root.eval()
    graph.lint()
    for name in value["small"]:
        shared_constants(root)[shared_key(getattr(root, name))] = name
    return root


class _Constants:
    """Describes constants, and collects the tensors that must be stored, each once."""

    def __init__(self, known: Known) -> None:
        self.tensors: list[torch.Tensor] = []
        self._known = {id(tensor): name for name, tensor in known.items()}
        self._places: dict[int, int] = {}

    def packed(self, name: str, kind: str, tensor: torch.Tensor) -> dict[str, object]:
        """Describe a constant of one of the kinds of `_stored`."""
        described: dict[str, object] = {"name": name, "kind": kind}
        if id(tensor) in self._known:
            return {**described, "known": self._known[id(tensor)]}
        if not tensor.is_contiguous():
            raise NotStorable("a constant with other strides than its shape has")
        if id(tensor) not in self._places:
            self._places[id(tensor)] = len(self.tensors)
            self.tensors.append(tensor)
        gradient = {"gradient": tensor.requires_grad}
        return {**described, "place": self._places[id(tensor)], **gradient}


def _stored(graph: GraphModule) -> Iterator[tuple[str, str, torch.Tensor]]:
    """Yield name, kind and tensor of parameters, buffers, and attributes that nodes read."""
    names = set()
    for name, tensor in graph.named_parameters(remove_duplicate=False):
        names.add(name)
        yield name, PARAMETER, tensor
    for name, tensor in graph.named_buffers(remove_duplicate=False):
        owner, _, leaf = name.rpartition(".")
        kept = leaf not in graph.get_submodule(owner)._non_persistent_buffers_set
        names.add(name)
        yield name, BUFFER if kept else UNSAVED_BUFFER, tensor
    for node in graph.graph.nodes:
        name = str(node.target)
        if node.op != "get_attr" or name in names:
            continue
        owner, _, leaf = name.rpartition(".")
        value = getattr(graph.get_submodule(owner), leaf)
        if not isinstance(value, torch.Tensor):
            raise NotStorable("a constant that is not a tensor")
        names.add(name)
        yield name, ATTRIBUTE, value


def _register(
    root: nn.Module,
    one: Mapping[str, Any],
    tensors: tuple[torch.Tensor, ...],
    known: Known,
    made: dict[object, torch.Tensor],
) -> None:
    owner, _, leaf = one["name"].rpartition(".")
    module = root.get_submodule(owner)
    kind = one["kind"]
    if "known" in one:
        tensor = known[one["known"]]
    else:
        key = (one["place"], kind == PARAMETER)
        if key not in made:
            plain = tensors[one["place"]]
            made[key] = nn.Parameter(plain, one["gradient"]) if kind == PARAMETER else plain
        tensor = made[key]
    if kind == PARAMETER:
        module.register_parameter(leaf, tensor)
    elif kind == ATTRIBUTE:
        setattr(module, leaf, tensor)
    else:
        module.register_buffer(leaf, tensor, persistent=kind == BUFFER)


def _packed_node(node: Node, operators: Sequence[str]) -> dict[str, object]:
    packed: dict[str, object] = {
        "name": node.name,
        "op": node.op,
        "target": _target_name(node, operators),
        "args": _packed(node.args),
        "kwargs": _packed(dict(node.kwargs)),
    }
    if node.type is not None:
        raise NotStorable("a node with a type")
    if "val" in node.meta:
        packed["val"] = _packed(node.meta["val"])
    for key in _PLAIN_META:
        if key in node.meta:
            packed[key] = _packed(node.meta[key])
    return packed


def _unpacked_node(
    graph: Graph, one: Mapping[str, Any], nodes: Mapping[str, Node], operators: Sequence[str]
) -> Node:
    args, kwargs = _unpacked(one["args"], nodes), _unpacked(one["kwargs"], nodes)
    node = graph.create_node(one["op"], _target(one, operators), args, kwargs, one["name"])
    if node.name != one["name"]:
        raise ValueError(f"a second name {one['name']}")
    for key in ("val", *_PLAIN_META):
        if key in one:
            node.meta[key] = _unpacked(one[key], nodes)
    return node


def _target_name(node: Node, operators: Sequence[str]) -> str:
    if node.op in ("placeholder", "get_attr", "output"):
        return str(node.target)
    if isinstance(node.target, torch._ops.OpOverload) and node.target.namespace in operators:
        return str(node.target)
    for name, function in _FUNCTIONS.items():
        if node.target is function:
            return name
    raise NotStorable(f"a call of {node.target}")


def _target(one: Mapping[str, Any], operators: Sequence[str]) -> Callable[..., object] | str:
    name = str(one["target"])
    if one["op"] in ("placeholder", "get_attr", "output"):
        return name
    if one["op"] != "call_function":
        raise ValueError(f"a node of the kind {one['op']}")
    if name in _FUNCTIONS:
        return _FUNCTIONS[name]
    namespace, packet, overload = name.split(".")
    if namespace not in operators:
        raise ValueError(f"an operator {name}")
    found = getattr(getattr(getattr(torch.ops, namespace), packet), overload)
    if not isinstance(found, torch._ops.OpOverload):
        raise ValueError(f"an operator {name}")
    return found


def _packed(value: object) -> object:
    """Return an argument as JSON: numbers, texts and None as they are, all others in an object."""
    if value is None or isinstance(value, bool | str) or type(value) in (int, float):
        return value
    if isinstance(value, Node):
        return {"node": value.name}
    if isinstance(value, list):
        return {"list": [_packed(item) for item in value]}
    if type(value) is tuple or isinstance(value, torch.Size):
        return {"tuple": [_packed(item) for item in value]}
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise NotStorable("a mapping whose keys are no texts")
        return {"dict": {key: _packed(item) for key, item in value.items()}}
    for kind, cls in _KINDS.items():
        if isinstance(value, cls):
            return {kind: str(value).removeprefix("torch.")}
    if isinstance(value, torch.device):
        return {"device": str(value)}
    if type(value) is torch.Tensor and value.device.type == "meta":
        dtype = str(value.dtype).removeprefix("torch.")
        return {"meta": [list(value.shape), list(value.stride()), dtype]}
    raise NotStorable(f"an argument of {type(value).__name__}")


def _unpacked(value: Any, nodes: Mapping[str, Node]) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, inner),) = value.items()
    if kind == "node":
        return nodes[inner]
    if kind == "list":
        return [_unpacked(item, nodes) for item in inner]
    if kind == "tuple":
        return tuple(_unpacked(item, nodes) for item in inner)
    if kind == "dict":
        return {key: _unpacked(item, nodes) for key, item in inner.items()}
    if kind in _KINDS:
        return _named(inner, _KINDS[kind])
    if kind == "device":
        return torch.device(inner)
    if kind == "meta":
        shape, stride, dtype = inner
        dtype = _named(dtype, torch.dtype)
        return torch.empty_strided(shape, stride, dtype=dtype, device="meta")
    raise ValueError(f"a value of the kind {kind}")


def _named(name: str, cls: type) -> Any:
    found = getattr(torch, name)
    if not isinstance(found, cls):
        raise ValueError(f"{name} is no {cls.__name__}")
    return found


def _packed_signature(graph: Graph) -> dict[str, object] | None:
    codegen = graph._codegen
    if type(codegen) is not _PyTreeCodeGen:
        return None
    info = codegen.pytree_info
    try:
        specs = treespec_dumps(info.in_spec), treespec_dumps(info.out_spec)
    except Exception as error:  # a container that is not registered with a name
        raise NotStorable(str(error)) from error
    if treespec_loads(specs[1]) != info.out_spec:
        raise NotStorable("containers that are read differently")
    return {"names": list(info.orig_args), "inputs": specs[0], "outputs": specs[1]}
