"""Load a checkpoint of any published format into a model."""

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
    transformers.DEEPLAB,
    cvnets.DEEPLAB,
    cvnets.SSD,
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
    """Raised if only the number of classes of a checkpoint differs from the model's.

    Attributes:
        classes: number of classes of the model.
        found: number of classes of the checkpoint.
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
    """Load a checkpoint into `model`; the key format is detected.

    Formats: our own keys, timm (MobileViT, Swin), transformers (MobileViT, Swin), ml-cvnets
    (MobileViT), and the official ones of Conformer, Shunted Transformer and Swin. The weights may
    be nested, and they may have any prefix, see `weight_sets`. Any floating-point type becomes
    float32. If a checkpoint holds several sets of weights, such as raw and averaged ones, the raw
    ones are used and a warning names the others.

    Args:
        model: a model of this package, or any module whose own keys the checkpoint has.
        source: a checkpoint file of any name, an index of shards, or a state dict.
        strict: if True, every key must be present and known. If False, missing keys keep their
            values and unknown ones are ignored. A wrong shape or type is always an error.
        weights_key: the set of weights to use, such as "state_dict_ema".

    Raises:
        InputError: the file is unreadable, there is no `weights_key`, or keys do not fit. One
            message lists all of them. The model is unchanged.
    """
    content = source if isinstance(source, Mapping) else read_checkpoint(Path(source))
    name = "the state dict" if isinstance(source, Mapping) else Path(source).name
    chosen = find_weights(model, content, weights_key)
    for note in notes_on(chosen, name):
        warnings.warn(worded(note), stacklevel=3)  # past `public`
    fill(model, chosen, strict=strict)


def find_weights(model: nn.Module, content: Any, weights_key: str | None = None) -> WeightSet:
    """Find the weights of `model` in the content of a checkpoint file, and convert them to float32.

    Args:
        model: any module, also on the meta device; only the names of its weights matter.
        content: see `choose_weights`.
        weights_key: `key` of `choose_weights`.

    Raises:
        InputError: see `choose_weights`.
    """
    formats = [OWN, *(f for f in FORMATS if f.family == type(model).__name__)]
    chosen = choose_weights(content, expected_tensors(model), formats, weights_key)
    return replace(chosen, weights={key: _float32(t) for key, t in chosen.weights.items()})


def notes_on(chosen: WeightSet, name: str) -> list[str]:
    """Return sentences on what was used from the checkpoint `name`, and what was ignored."""
    notes = []
    if chosen.others:
        notes.append(
            f"[weights] {name}: used the weights under {chosen.key or 'no key'!r}; it also has"
            f" {', '.join(map(repr, chosen.others))}; choose with --weights-key (weights_key=)"
        )
    if chosen.nameless:
        lists = ", ".join(map(repr, chosen.nameless))
        notes.append(
            f"[weights] {name}: did not use the averaged weights under {lists}, which are a list"
            " without names; save them as a state dict to use them"
        )
    if chosen.left_out:
        shown = ", ".join(chosen.left_out[:SHOWN_LEFT_OUT])
        more = len(chosen.left_out) - SHOWN_LEFT_OUT
        notes.append(
            f"[weights] {name}: {len(chosen.left_out)} tensors are not part of the model and were"
            f" ignored: {shown}{f', and {more} more' if more > 0 else ''}"
        )
    return notes


def fill(model: nn.Module, chosen: WeightSet, *, strict: bool = True) -> None:
    """Copy a set of weights into `model`; arguments and errors are those of `load_weights`."""
    expected = expected_tensors(model)
    converted = chosen.key_format.convert(chosen.weights)
    _check(expected, converted, chosen.key_format, strict)
    with torch.no_grad():
        for key in converted.weights.keys() & expected.keys():
            expected[key].copy_(converted.weights[key])


def head_classes(model: nn.Module, chosen: WeightSet, classes: int) -> int | None:
    """Return the number of classes of the head in a checkpoint.

    Args:
        model: a model with `classes` classes, also on the meta device.
        chosen: weights for it, or for the same network with another head.
        classes: number of classes of `model`.

    Returns:
        `classes` if the shape of every weight fits. Another number n if all weights that do not fit
        have n rows in place of `classes` rows; or, of a detector, rows for n classes and the
        offsets of each box. None otherwise.
    """
    extra = getattr(model, "offsets_of_box", 0)
    weights = chosen.key_format.convert(chosen.weights).weights
    found = set()
    for key, expected in expected_tensors(model).items():
        if key not in weights or weights[key].shape == expected.shape:
            continue
        got = weights[key].shape
        if not got or got[1:] != expected.shape[1:]:
            return None
        boxes, rest = divmod(expected.shape[0], extra + classes)
        if rest or got[0] % boxes or not (extra or boxes == 1):
            return None
        found.add(got[0] // boxes - extra)
    return found.pop() if len(found) == 1 else None if found else classes


def expected_tensors(model: nn.Module) -> StateDict:
    """Return the parameters and buffers of `model` that a checkpoint fills, by name."""
    return {
        key: value
        for key, value in model.state_dict().items()
        if isinstance(value, torch.Tensor)
        and not IGNORED.search(key)  # extra state may be anything
    }


def detect(model: nn.Module, state: StateDict) -> tuple[KeyFormat, Converted]:
    """Return the format in which most keys of `state` fit `model`, and the converted checkpoint."""
    chosen = find_weights(model, state)
    return chosen.key_format, chosen.key_format.convert(chosen.weights)


def weights_digest(module: nn.Module) -> str:
    """Return the SHA-256 digest of all weights as 64 hex digits.

    It covers names, dtypes, shapes and bytes, sorted by name. It leaves out the tensors that match
    `keymap.IGNORED`, such as a norm's counter of batches, because no checkpoint has to store them.
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
    """Return why the values of `got` cannot be copied to `expected`; empty if they can."""
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
            "DeepSpeed ZeRO-3 saves empty tensors: run zero_to_fp32.py in the folder of the"
            " checkpoint and pass the file that it writes"
        )
    if mistyped:
        return "save the weights as floating-point numbers, before they are quantized"
    return "is it a checkpoint of this model?"


def _check_head(expected: StateDict, weights: StateDict, misshapen: list[str]) -> None:
    """Raise HeadMismatch if only the number of classes differs."""
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
