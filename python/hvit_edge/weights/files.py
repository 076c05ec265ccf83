"""Reading a checkpoint file into a flat state dict."""

from __future__ import annotations

import argparse
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from hvit_edge.errors import InputError
from hvit_edge.weights.keymap import StateDict

PICKLES = (".pt", ".pth", ".bin")
# Where training scripts put the weights, in the order in which they are looked for.
NESTED = ("model", "state_dict", "model_state", "model_ema")


def read_state_dict(path: Path) -> StateDict:
    """Read a .safetensors, .pt, .pth or .bin file.

    Returns:
        Tensors by key; nesting and a common `module.` prefix are taken off, floating-point values
        are float32.

    Raises:
        InputError: no such file, an unknown suffix, a damaged file, a pickle that would run code,
            or a file without a state dict.
    """
    if not path.is_file():
        raise InputError(f"[read_state_dict] expected a checkpoint file, got no such file: {path}")
    if path.suffix == ".safetensors":
        return flatten(_read_safetensors(path))
    if path.suffix in PICKLES:
        return flatten(_read_pickle(path))
    known = ", ".join((".safetensors", *PICKLES))
    raise InputError(f"[read_state_dict] expected a file that ends in {known}, got {path}")


def flatten(loaded: Any) -> StateDict:
    """The state dict inside what a checkpoint file holds, in float32.

    Raises:
        InputError: there is none.
    """
    state = _unnest(loaded)
    if all(key.startswith("module.") for key in state):
        state = {key.removeprefix("module."): value for key, value in state.items()}
    return {
        key: value.detach().float() if value.is_floating_point() else value.detach()
        for key, value in state.items()
    }


def _unnest(loaded: Any) -> Mapping[str, Tensor]:
    content = loaded
    while isinstance(content, Mapping):
        if content and all(_is_entry(key, value) for key, value in content.items()):
            return content
        inner = next((name for name in NESTED if isinstance(content.get(name), Mapping)), None)
        if inner is None:
            break
        content = content[inner]
    if isinstance(content, Mapping):
        found = f"a mapping with {', '.join(map(str, list(content)[:5])) or 'no keys'}"
    else:
        found = type(content).__name__
    raise InputError(
        "[read_state_dict] expected tensors by name, bare or under"
        f" {', '.join(NESTED)}; got {found}; save model.state_dict()"
    )


def _is_entry(key: Any, value: Any) -> bool:
    return isinstance(key, str) and isinstance(value, Tensor)


def _read_safetensors(path: Path) -> StateDict:
    try:
        return load_file(path)
    except (SafetensorError, ValueError, OSError) as error:
        raise InputError(
            f"[read_state_dict] expected a whole safetensors file, got {path} ({error});"
            " download or save it again"
        ) from error


def _read_pickle(path: Path) -> Any:
    try:
        # Training scripts of the DeiT family keep their parsed arguments beside the weights.
        with torch.serialization.safe_globals([argparse.Namespace]):
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        reason = str(error).replace("\n", " ")
        if "GLOBAL" not in reason and "global" not in reason:
            raise _damaged(path, reason) from error
        raise InputError(
            f"[read_state_dict] expected tensors only, got {path}, a pickle that runs code when it"
            " is read; if you trust it, convert it where its code is installed:"
            " torch.save(torch.load(path, weights_only=False)['model'], 'weights.pt')"
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise _damaged(path, str(error).split("\n")[0]) from error


def _damaged(path: Path, reason: str) -> InputError:
    return InputError(
        f"[read_state_dict] expected a whole PyTorch checkpoint, got {path} ({reason[:200]});"
        " download or save it again"
    )
