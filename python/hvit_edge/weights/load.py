"""Loading a checkpoint of any published format into a model."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from hvit_edge.errors import InputError
from hvit_edge.public import public
from hvit_edge.weights import cvnets, official, timm, transformers
from hvit_edge.weights.files import flatten, read_state_dict
from hvit_edge.weights.keymap import IGNORED, Converted, KeyFormat, StateDict

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


@public("load_weights")
def load_weights(
    model: nn.Module, source: str | Path | Mapping[str, Tensor], *, strict: bool = True
) -> None:
    """Load a checkpoint into `model`; its key format is found out.

    Formats: our own keys, timm (MobileViT, Swin), transformers (MobileViT, Swin), ml-cvnets
    (MobileViT), and the official ones of Conformer, Shunted Transformer and Swin. Weights may lie
    under `model`, `state_dict`, `model_state` or `model_ema`, looked for in this order, and under
    a `module.` prefix; half precision becomes float32.

    Args:
        model: a model of this package, or any module whose own keys the checkpoint has.
        source: a .safetensors, .pt, .pth or .bin file, or a state dict.
        strict: every key must be present and known. Otherwise missing keys keep their values and
            unknown ones are left out. A wrong shape is an error in any case.

    Raises:
        InputError: an unreadable file, or keys that do not fit: one message lists all of them.
            The model is unchanged.
    """
    state = flatten(source) if isinstance(source, Mapping) else read_state_dict(Path(source))
    expected = expected_tensors(model)
    key_format, converted = detect(model, state)
    if not converted.weights.keys() & expected.keys():
        raise _foreign(model, state)
    _check(expected, converted, key_format, strict)
    with torch.no_grad():
        for key in converted.weights.keys() & expected.keys():
            expected[key].copy_(converted.weights[key])


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
    expected = expected_tensors(model)
    fitting = [OWN, *(f for f in FORMATS if f.family == type(model).__name__)]
    candidates = [(key_format, key_format.convert(state)) for key_format in fitting]
    return max(candidates, key=lambda pair: len(pair[1].weights.keys() & expected.keys()))


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


def _check(expected: StateDict, converted: Converted, key_format: KeyFormat, strict: bool) -> None:
    weights = converted.weights
    misshapen = [
        key for key in expected if key in weights and weights[key].shape != expected[key].shape
    ]
    missing = [key for key in expected if key not in weights] if strict else []
    unexpected = [key for key in weights if key not in expected] if strict else []
    if misshapen and not missing and not unexpected:
        _check_head(expected, weights, misshapen)
    shapes = [
        f"{converted.published[key]} (expected {list(expected[key].shape)},"
        f" got {list(weights[key].shape)})"
        for key in misshapen
    ]
    faults = [
        _listed("missing", missing),
        _listed("unexpected", [converted.published[key] for key in unexpected]),
        _listed("misshapen", shapes),
    ]
    if any(faults):
        raise InputError(
            f"[load_weights] expected the keys of the model, got a {key_format.name} checkpoint"
            f" with {'; '.join(filter(None, faults))}; is it a checkpoint of this very model?"
        )


def _check_head(expected: StateDict, weights: StateDict, misshapen: list[str]) -> None:
    """A clear error where class counts are all that differs."""
    for key in misshapen:
        if not HEAD.match(key) or weights[key].shape[1:] != expected[key].shape[1:]:
            return
    wanted, got = expected[misshapen[0]].shape[0], weights[misshapen[0]].shape[0]
    raise InputError(
        f"[load_weights] expected a head of {wanted} classes, got one of {got};"
        f" build the model with num_classes={got}"
    )


def _listed(kind: str, keys: list[str]) -> str:
    if not keys:
        return ""
    more = f", and {len(keys) - SHOWN} more" if len(keys) > SHOWN else ""
    return f"{len(keys)} {kind}: {', '.join(keys[:SHOWN])}{more}"


def _foreign(model: nn.Module, state: StateDict) -> InputError:
    known = ", ".join(f.name for f in FORMATS if f.family == type(model).__name__)
    keys = ", ".join(list(state)[:5])
    return InputError(
        f"[load_weights] expected a checkpoint of {type(model).__name__} with its own keys"
        f"{' or in one of the formats ' + known if known else ''}; got {len(state)} keys of which"
        f" none fits: {keys}, ...; is it a checkpoint of this model?"
    )
