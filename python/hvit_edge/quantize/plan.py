"""Define plans, which give each layer a precision: their file, and how a graph follows them.

    {
      "format": "hvit-edge plan 1",
      "model": "mobilevit_xxs",
      "layers": {"stages.*": "int8", "head:linear_36": "fp32"}
    }

A key is a layer's name or a pattern of `fnmatch`. A later entry overrides an earlier one. A layer
that no entry names is fp32.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import torch
from torch.fx import Graph, GraphModule, Node

from hvit_edge.artifact.container import write_atomically
from hvit_edge.errors import InputError
from hvit_edge.lowering.graph import Editor, cleanup, constant_tensor
from hvit_edge.quantize.half import HALF_LIMIT
from hvit_edge.quantize.half_casts import CAST
from hvit_edge.quantize.int8 import quantize_int8
from hvit_edge.quantize.layers import Layer, find_layers
from hvit_edge.quantize.moments import Moments
from hvit_edge.quantize.rounded_layers import RoundedLayer, round_layers

FORMAT = "hvit-edge plan 1"
LAYER_PRECISIONS = ("int8", "fp16", "fp32")
KEYS = ("format", "model", "layers")


@dataclass(frozen=True)
class Plan:
    """Maps each layer to a precision.

    Attributes:
        layers: layer name or pattern to "int8", "fp16" or "fp32"; the order counts.
        model: the model that the plan was made for, only for the reader.
    """

    layers: Mapping[str, str]
    model: str = ""


def possible_precisions(layer: Layer) -> tuple[str, ...]:
    """Return the precisions that `layer` can have; a depthwise convolution has no int8 form."""
    return LAYER_PRECISIONS[1:] if layer.is_depthwise else LAYER_PRECISIONS


def write_plan(plan: Plan, path: str | Path, *, force: bool = False) -> None:
    """Write the plan's file, either completely or not at all.

    Raises:
        InputError: the file exists and `force` is not set, or it cannot be written.
    """
    content = {"format": FORMAT, "model": plan.model, "layers": dict(plan.layers)}
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    write_atomically(Path(path), text.encode(), force=force)


def read_plan(path: str | Path) -> Plan:
    """Read a plan that `write_plan` wrote, possibly edited since.

    Raises:
        InputError: the file cannot be read, is not JSON, or does not have the form of a plan.
    """
    try:
        content = json.loads(Path(path).read_text("utf-8-sig"), object_pairs_hook=_last_of_each)
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(
            f"[plan] {path}: expected a JSON file that can be read, got {error};"
            " let --precision auto (precision='auto') write one and edit it"
        ) from error
    faults = _layout_faults(content)
    if faults:
        raise InputError(
            f'[plan] {path}: expected {{"format": "{FORMAT}", "model": ..., "layers": ...}}, got'
            f" {'; '.join(faults)}; correct it"
        )
    return Plan(content["layers"], content.get("model", ""))


def _last_of_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object in which repeated keys are at the place where they were given last."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        found.pop(key, None)
        found[key] = value
    return found


def _layout_faults(content: Any) -> list[str]:
    if not isinstance(content, dict):
        return [f"{type(content).__name__} instead of an object"]
    faults = []
    if content.get("format") != FORMAT:
        faults.append(f"format {content.get('format')!r}")
    faults += [
        f"unknown key {key!r} (closest: {_closest(key, KEYS)!r})"
        for key in content
        if key not in KEYS
    ]
    if not isinstance(content.get("model", ""), str):
        faults.append(f"model {content['model']!r} instead of a string")
    layers = content.get("layers")
    if not isinstance(layers, dict):
        return [*faults, f"layers {layers!r} instead of an object of layer and precision"]
    wrong = [f"layer {key!r}: {value!r}" for key, value in layers.items() if type(value) is not str]
    return faults + [f"{fault} instead of a precision" for fault in wrong]


def resolve(plan: Plan, layers: Sequence[Layer]) -> dict[str, str]:
    """Return the precision of every one of `layers`, by name, in their order.

    Raises:
        InputError: entries match no layer, precisions are unknown, or a depthwise convolution is
            int8. All faults are listed, each with the closest match.
    """
    chosen, faults = {layer.name: "fp32" for layer in layers}, []
    for key, precision in plan.layers.items():
        names = _named(key, chosen)
        if not names:
            faults.append(f"unknown layer {key!r} (closest: {_closest(key, chosen)!r})")
        if precision not in LAYER_PRECISIONS:
            closest = _closest(precision, LAYER_PRECISIONS)
            faults.append(f"{key!r}: unknown precision {precision!r} (closest: {closest!r})")
        else:
            chosen.update(dict.fromkeys(names, precision))
    faults += [
        f"{layer.name!r}: int8 is impossible for a depthwise convolution (closest: 'fp16')"
        for layer in layers
        if chosen[layer.name] not in possible_precisions(layer)
    ]
    if faults:
        raise InputError(
            f"[plan] expected layers of this network, each in a precision that it can have, got"
            f" {len(faults)} wrong; correct these entries, or override them with later ones:"
            + "".join(f"\n  {fault}" for fault in faults)
        )
    return chosen


def _named(key: str, known: Iterable[str]) -> list[str]:
    """Return the layers that a key of a plan means: one by name, or all that match a pattern.

    Plans of earlier versions name a convolution by the norm that was folded into it, which is next
    to it: "stem.norm:conv2d_40" is the layer "stem.conv:conv2d_40".
    """
    names = list(known)
    if key in names:
        return [key]
    matching = [name for name in names if fnmatchcase(name, key)]
    parent, operator = _place(key)
    if matching or not parent:
        return matching
    return [name for name in names if _place(name) == (parent, operator)]


def _place(name: str) -> tuple[str, str]:
    """Return the parent of the module of a layer, and the layer's operator."""
    module, _, operator = name.rpartition(":")
    return module.rpartition(".")[0], operator


def _closest(word: str, known: Iterable[str]) -> str:
    return next(iter(difflib.get_close_matches(word, list(known), n=1, cutoff=0)), "")


def apply_plan(
    graph: GraphModule,
    plan: Plan,
    moments: Mapping[str, Moments] | None = None,
    *,
    rounded: Mapping[str, RoundedLayer] | None = None,
) -> None:
    """Make each layer of `graph` compute as `plan` says, in place, with float32 between layers.

    Args:
        graph: a rewritten float32 graph; for a plan of `search`, the graph that it was given.
        plan: names or matches layers of `find_layers(graph)`.
        moments: from `input_moments`, at least for the int8 layers; None rounds each of their
            weights to the nearest step.
        rounded: from `round_layers`, at least for the int8 layers, in place of `moments`.

    Raises:
        InputError: `resolve` refuses the plan, or moments of an int8 layer are missing.
    """
    layers = find_layers(graph)
    chosen = resolve(plan, layers)
    if moments is not None:
        in_int8 = [layer for layer in layers if chosen[layer.name] == "int8"]
        _check_moments(in_int8, moments)
        rounded = round_layers(graph, in_int8, moments)
    set_precisions(graph, layers, chosen, rounded)
    cleanup(graph)
    graph.graph.lint()


def set_precisions(
    graph: GraphModule,
    layers: Sequence[Layer],
    chosen: Mapping[str, str],
    rounded: Mapping[str, RoundedLayer] | None,
) -> None:
    """Apply to `layers` the precisions that `resolve` returned; replaced nodes are not removed.

    `rounded` is that of `quantize_int8`.
    """
    by_precision: dict[str, list[Layer]] = {precision: [] for precision in LAYER_PRECISIONS}
    for layer in layers:
        by_precision[chosen[layer.name]].append(layer)
    quantize_int8(graph, by_precision["int8"], rounded)
    _set_half(graph, by_precision["fp16"])


def _check_moments(layers: Sequence[Layer], moments: Mapping[str, Moments]) -> None:
    missing = [layer.name for layer in layers if layer.node.name not in moments]
    if missing:
        raise InputError(
            f"[plan] expected the moments of every int8 layer, got none of {', '.join(missing)};"
            " pass the moments that input_moments returns for these layers too"
        )


def _set_half(graph: GraphModule, layers: Sequence[Layer]) -> None:
    """Make `layers`, in graph order, compute in float16.

        x -> conv2d(w, b) -> relu -> y      x -> to(float16) -> conv2d(w16, b16) -> relu
                                              -> to(float32) -> y

    If such a layer reads what another one wrote, there is no cast between the two.
    """
    halves: dict[Node, Node] = {}
    for layer in layers:
        edit, source = Editor(graph, layer.node), layer.source
        if source not in halves:
            halves[source] = edit.call(CAST, source, torch.float16)
        layer.node.replace_input_with(source, halves[source])
        for constant in filter(None, (layer.weight, layer.bias)):
            layer.node.replace_input_with(constant, _half_constant(edit, constant))
        for node in dict.fromkeys((layer.node, layer.output)):
            node.meta["val"] = node.meta["val"].to(torch.float16)
        written = Editor(graph, layer.output.next).call(CAST, layer.output, torch.float32)
        layer.output.replace_all_uses_with(written, lambda user, own=written: user is not own)
        halves[written] = layer.output


def _half_constant(edit: Editor, node: Node) -> Node:
    values = constant_tensor(edit.graph, node).clamp(-HALF_LIMIT, HALF_LIMIT)
    return edit.constant(f"{node.target}_half", values.to(torch.float16))


def layer_alone(graph: GraphModule, layer: Layer) -> tuple[GraphModule, Layer]:
    """Return a float32 graph of only `layer` and its ReLU, and the layer in it."""
    alone, copies = Graph(), {}
    copies[layer.source] = alone.placeholder("x")
    constants = {"weight": layer.weight, "bias": layer.bias}
    constants = {name: node for name, node in constants.items() if node is not None}
    for name, node in constants.items():
        copies[node] = alone.get_attr(name)
    for node in (layer.source, *constants.values()):
        copies[node].meta["val"] = node.meta["val"]
    for node in dict.fromkeys((layer.node, layer.output)):
        copies[node] = alone.node_copy(node, copies.__getitem__)
    alone.output(copies[layer.output])
    tensors = {name: constant_tensor(graph, node) for name, node in constants.items()}
    module = GraphModule(tensors, alone)
    return module, Layer(copies[layer.node], copies[layer.weight], copies[layer.output])
