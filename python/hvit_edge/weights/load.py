"""Loading a checkpoint of any published format into a model."""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from hvit_edge.boundary.public import public
from hvit_edge.errors import InputError
from hvit_edge.hints import worded
from hvit_edge.weights import cvnets, official, timm, transformers
from hvit_edge.weights.files import read_checkpoint
from hvit_edge.weights.keymap import IGNORED, Converted, KeyFormat, StateDict
from hvit_edge.weights.weight_sets import WeightSet, choose_weights

FORMATS = (
    timm.MOBILEVIT,
    transformers.MOBILEVIT,
    cvnets.MOBILEVIT,
    official.CONFORMER,
    official.SHUNTED,
    official.SWIN,
    timm.SWIN,
    transformers.SWIN,
)
OWN = KeyFormat(name="hvit-edge", family="", rules=())
HEAD = re.compile(r"^(\w+_)?head\.(weight|bias)$")
SHOWN = 20  # keys of each kind that an error lists
SHOWN_LEFT_OUT = 3


class HeadMismatch(InputError):
    """A checkpoint fits but for the class count of its head.

    Attributes:
        classes: of the module.
        found: of the checkpoint.
    """

    def __init__(self, message: str, classes: int, found: int) -> None:
        super().__init__(message)
        self.classes, self.found = classes, found


@public("load_weights")
def load_weights(
    model: nn.Module,
    source: str | Path | Mapping[str, Any],
    *,
    strict: bool = True,
    weights_key: str | None = None,
) -> None:
    """Load a checkpoint into `model`; its key format is found out.

    Formats: our own keys, timm (MobileViT, Swin), transformers (MobileViT, Swin), ml-cvnets
    (MobileViT), and the official ones of Conformer, Shunted Transformer and Swin. The weights may
    be in any nesting and under any prefix, see `weight_sets`; any floating-point type becomes
    float32. Where a checkpoint holds several sets of weights, such as raw and averaged ones, the
    raw ones are taken and a warning names the others.

    Args:
        model: a model of this package, or any module whose own keys the checkpoint has.
        source: a checkpoint file of any name, an index of shards, or a state dict.
        strict: every key must be present and known. Otherwise missing keys keep their values and
            unknown ones are left out. A wrong shape or type is an error in any case.
        weights_key: which set of weights to take, such as "state_dict_ema".

    Raises:
        InputError: an unreadable file, no such `weights_key`, or keys that do not fit: one message
            lists all of them. The model is unchanged.
    """
    content = source if isinstance(source, Mapping) else read_checkpoint(Path(source))
    name = "the state dict" if isinstance(source, Mapping) else Path(source).name
    chosen = find_weights(model, content, weights_key)
    for note in notes_on(chosen, name):
        warnings.warn(worded(note), stacklevel=3)  # past `public`
    fill(model, chosen, strict=strict)


def find_weights(model: nn.Module, content: Any, weights_key: str | None = None) -> WeightSet:
    """Find the weights of `model` in what a checkpoint file holds, in float32.

    Args:
        model: any module, also on the meta device: only the names of its weights matter.
        content, weights_key: as `choose_weights`.

    Raises:
        InputError: as `choose_weights`.
    """
    formats = [OWN, *(f for f in FORMATS if f.family == type(model).__name__)]
    chosen = choose_weights(content, expected_tensors(model), formats, weights_key)
    return replace(chosen, weights={key: _float32(t) for key, t in chosen.weights.items()})


def notes_on(chosen: WeightSet, name: str) -> list[str]:
    """Say what was chosen in the checkpoint `name`, and what was left out; one sentence each."""
    notes = []
    if chosen.others:
        notes.append(
            f"[weights] of {name} the weights under {chosen.key or 'no key'!r} are taken; it also"
            f" has {', '.join(map(repr, chosen.others))}, which --weights-key (weights_key=) takes"
        )
    if chosen.nameless:
        lists = ", ".join(map(repr, chosen.nameless))
        notes.append(
            f"[weights] of {name} the averaged weights under {lists} are not taken: they are a list"
            " without names; save them as a state dict to use them"
        )
    if chosen.left_out:
        shown = ", ".join(chosen.left_out[:SHOWN_LEFT_OUT])
        more = len(chosen.left_out) - SHOWN_LEFT_OUT
        notes.append(
            f"[weights] of {name} {len(chosen.left_out)} tensors are not part of the model and left"
            f" out: {shown}{f', and {more} more' if more > 0 else ''}"
        )
    return notes


def fill(model: nn.Module, chosen: WeightSet, *, strict: bool = True) -> None:
    """Copy a set of weights into `model`; arguments and errors as `load_weights`."""
    expected = expected_tensors(model)
    converted = chosen.key_format.convert(chosen.weights)
    _check(expected, converted, chosen.key_format, strict)
    with torch.no_grad():
        for key in converted.weights.keys() & expected.keys():
            expected[key].copy_(converted.weights[key])


def head_classes(model: nn.Module, chosen: WeightSet, classes: int) -> int | None:
    """Return how many classes the head in a checkpoint has.

    Args:
        model: with `classes` classes, also on the meta device.
        chosen: weights for it, or for the same network with another head.
        classes: of `model`.

    Returns:
        `classes` if every weight fits; another number if all that do not fit are weights of
        `classes` rows that have that number of rows instead; otherwise None.
    """
    weights = chosen.key_format.convert(chosen.weights).weights
    found = set()
    for key, expected in expected_tensors(model).items():
        if key not in weights or weights[key].shape == expected.shape:
            continue
        got = weights[key].shape
        if not got or expected.shape[:1] != (classes,) or got[1:] != expected.shape[1:]:
            return None
        found.add(got[0])
    return found.pop() if len(found) == 1 else None if found else classes


def expected_tensors(model: nn.Module) -> StateDict:
    """The parameters and buffers of `model` that a checkpoint fills."""
    return {
        key: value
        for key, value in model.state_dict().items()
        if isinstance(value, torch.Tensor)
        and not IGNORED.search(key)  # extra state may be anything
    }


def detect(model: nn.Module, state: StateDict) -> tuple[KeyFormat, Converted]:
    """The format under which most keys of `state` fit `model`, and the checkpoint converted."""
    chosen = find_weights(model, state)
    return chosen.key_format, chosen.key_format.convert(chosen.weights)


def weights_digest(module: nn.Module) -> str:
    """SHA-256 of all weights: names, dtypes, shapes and bytes, sorted by name; 64 hex digits.

    Counters of batches that a norm has seen are left out: they do not affect the outputs.
    """
    digest = hashlib.sha256()
    for key, value in sorted(expected_tensors(module).items()):
        digest.update(f"{key} {value.dtype} {list(value.shape)}\n".encode())
        flat = value.detach().cpu().contiguous().reshape(-1)
        digest.update(flat.view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _float32(tensor: Tensor) -> Tensor:
    tensor = tensor.detach()
    plain = tensor.layout == torch.strided and not tensor.is_quantized
    return tensor.float() if plain and tensor.is_floating_point() else tensor


def _check(expected: StateDict, converted: Converted, key_format: KeyFormat, strict: bool) -> None:
    weights = converted.weights
    misshapen = [
        key for key in expected if key in weights and weights[key].shape != expected[key].shape
    ]
    mistyped = [key for key in expected if key in weights and _kind(weights[key], expected[key])]
    missing = [key for key in expected if key not in weights] if strict else []
    unexpected = [key for key in weights if key not in expected] if strict else []
    if misshapen and not missing and not unexpected:
        _check_head(expected, weights, misshapen)
    shapes = [
        f"{converted.published[key]} (expected {list(expected[key].shape)},"
        f" got {list(weights[key].shape)})"
        for key in misshapen
    ]
    kinds = [
        f"{converted.published[key]} ({_kind(weights[key], expected[key])})" for key in mistyped
    ]
    faults = [
        _listed("missing", missing),
        _listed("unexpected", [converted.published[key] for key in unexpected]),
        _listed("misshapen", shapes),
        _listed("of a wrong type", kinds),
    ]
    if any(faults):
        raise InputError(
            f"[load_weights] expected the keys of the model, got a {key_format.name} checkpoint"
            f" with {'; '.join(filter(None, faults))}; {_remedy(weights, misshapen, mistyped)}"
        )


def _kind(got: Tensor, expected: Tensor) -> str:
    """Why the values of `got` cannot become those of `expected`; empty if they can."""
    if got.is_quantized or got.layout != torch.strided:
        kind = "quantized" if got.is_quantized else str(got.layout).removeprefix("torch.")
        return f"expected plain numbers, got a {kind} tensor"
    if got.is_meta:
        return "expected numbers, got a tensor on the meta device, which holds none"
    if got.is_floating_point() != expected.is_floating_point() or got.is_complex():
        wanted = "floating-point numbers" if expected.is_floating_point() else expected.dtype
        return f"expected {wanted}, got {str(got.dtype).removeprefix('torch.')}"
    return ""


def _remedy(weights: StateDict, misshapen: list[str], mistyped: list[str]) -> str:
    if misshapen and all(weights[key].numel() == 0 for key in misshapen):
        return (
            "empty tensors are what DeepSpeed ZeRO-3 leaves: run zero_to_fp32.py in the folder of"
            " the checkpoint and pass the file that it writes"
        )
    if mistyped:
        return "save the weights as floating-point numbers, before they are quantized"
    return "is it a checkpoint of this very model?"


def _check_head(expected: StateDict, weights: StateDict, misshapen: list[str]) -> None:
    """A clear error where class counts are all that differs."""
    for key in misshapen:
        if not HEAD.match(key) or weights[key].shape[1:] != expected[key].shape[1:]:
            return
    wanted, got = expected[misshapen[0]].shape[0], weights[misshapen[0]].shape[:1]
    if got and got[0]:
        raise HeadMismatch(
            f"[load_weights] expected a head of {wanted} classes, got one of {got[0]};"
            f" ask for that many with --num-classes {got[0]} (num_classes={got[0]})",
            wanted,
            got[0],
        )


def _listed(kind: str, keys: list[str]) -> str:
    if not keys:
        return ""
    more = f", and {len(keys) - SHOWN} more" if len(keys) > SHOWN else ""
    return f"{len(keys)} {kind}: {', '.join(keys[:SHOWN])}{more}"
