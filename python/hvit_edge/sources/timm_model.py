"""Build models of timm: `timm:NAME[.TAG]`."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from types import ModuleType
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn

from hvit_edge.errors import InputError
from hvit_edge.preprocess import Preprocess
from hvit_edge.sources.address import check_package
from hvit_edge.sources.library_transform import matching, refuse
from hvit_edge.weights import imagenet_labels, timm

SUBSETS = {
    1000: "imagenet-1k",
    11221: "imagenet-21k-miil",
    11821: "imagenet-12k",
    21841: "imagenet-22k",
    21842: "imagenet-22k-ms",
    21843: "imagenet-21k-goog",
}
"""timm's name of the label set for each number of classes."""
_BY_OPTIONS = {
    *("pretrained", "pretrained_cfg", "pretrained_cfg_overlay", "pretrained_strict"),
    *("checkpoint_path", "cache_dir", "model_name"),
}
"""Arguments of `create_model` that choose weights, not the network."""


def import_timm(where: str) -> ModuleType:
    """Import timm.

    Raises:
        MissingPackageError: it is not installed.
        InputError: its import fails; the message says how to install versions that fit.
    """
    check_package("timm", where)
    try:
        return importlib.import_module("timm")
    except Exception as error:  # a torchvision for another torch raises RuntimeError
        raise InputError(
            f"[{where}] expected timm to be imported, got {type(error).__name__}: {error};"
            " pip install 'hvit-edge[timm]' installs versions that fit"
        ) from error


def check_name(library: ModuleType, name: str, where: str) -> None:
    """Check that timm has a model of this name.

    Raises:
        InputError: it has none. The message has the closest name, or the tags of the architecture.
    """
    architecture, _, tag = name.partition(".")
    if not library.is_model(architecture):
        known = library.list_models()
        close = difflib.get_close_matches(architecture, known, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise InputError(
            f"[{where}] expected a model of timm {library.__version__}, got {architecture!r};"
            f" {hint}timm.list_models() lists all {len(known)}"
        )
    tags = [one.partition(".")[2] for one in library.list_pretrained(f"{architecture}.*")]
    if tag and tag not in tags:
        close = difflib.get_close_matches(tag, tags, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise InputError(
            f"[{where}] expected a tag of timm's {architecture}, got {tag!r}; {hint}its tags are"
            f" {', '.join(tags) or 'none'}"
        )


def build(
    library: ModuleType,
    name: str,
    args: Mapping[str, Any],
    classes: int | None,
    size: tuple[int, int] | None,
    *,
    published: bool,
    where: str,
) -> nn.Module:
    """Call `timm.create_model`.

    Args:
        library: the module timm.
        name: name of the model, with or without a tag.
        args: arguments of `create_model`.
        classes: number of classes; None for the number in the pretrained config.
        size: (height, width), used by networks of a fixed size; None for the size in the config.
        published: load the published checkpoint.
        where: name of the public function that was called, for messages.

    Raises:
        InputError: timm refuses the arguments, or cannot deliver the checkpoint.
    """
    taken = [key for key in args if key in _BY_OPTIONS]
    if taken:
        raise InputError(
            f"[{where}] --arg (args=): expected arguments of the network, got {', '.join(taken)};"
            " choose weights with --weights (weights=)"
        )
    given = dict(args)
    if classes is not None:
        given["num_classes"] = classes
    config = library.get_pretrained_cfg(name)
    fixed = config is not None and config.fixed_input_size
    if size is not None and fixed and tuple(config.input_size[1:]) != size:
        given.setdefault("img_size", size)
    try:
        return library.create_model(name, pretrained=published, **given)
    except (TypeError, AssertionError, ValueError, KeyError, AttributeError) as error:
        listed = ", ".join(f"{key}={value!r}" for key, value in given.items()) or "none"
        raise InputError(
            f"[{where}] expected arguments that timm's {name} accepts, got {listed}"
            f" ({type(error).__name__}: {error}); correct --arg key=value (args=)"
        ) from error
    except Exception as error:
        if not published:
            raise InputError(
                f"[{where}] expected timm to build {name}, got {type(error).__name__}: {error};"
                " correct --arg key=value (args=)"
            ) from error
        reason = (str(error).splitlines() or [""])[0][:200]
        raise InputError(
            f"[{where}] expected timm to deliver the checkpoint of {name}, got"
            f" {type(error).__name__}: {reason}; connect to the network, or pass --weights FILE"
            " (weights=FILE) or --weights random (weights='random')"
        ) from error


def check_published(library: ModuleType, name: str, where: str) -> str:
    """Return NAME.TAG of the published checkpoint of a model.

    Raises:
        InputError: timm has no published checkpoint.
    """
    config = library.get_pretrained_cfg(name)
    architecture = name.partition(".")[0]
    if config is None or not config.has_weights:
        raise InputError(
            f"[{where}] expected a published checkpoint of timm's {name}, got none; pass"
            " --weights FILE (weights=FILE) or --weights random (weights='random')"
        )
    return f"{architecture}.{config.tag}" if config.tag else architecture


def config_of(module: nn.Module) -> dict[str, Any]:
    """Return the pretrained config of a timm model as a dictionary; empty if it has none."""
    config = getattr(module, "pretrained_cfg", None) or getattr(module, "default_cfg", None)
    if is_dataclass(config) and not isinstance(config, type):
        config = asdict(config)
    return dict(config) if isinstance(config, Mapping) else {}


def check_channels(config: Mapping[str, Any], args: Mapping[str, Any], where: str) -> None:
    """Raise InputError if the network does not have three input channels."""
    channels = args.get("in_chans") or (config.get("input_size") or (3,))[0]
    if channels != 3:
        raise InputError(
            f"[{where}] in_chans: expected 3, as photos have, got {channels}; wrap it in a module"
            " with three input channels (FILE.py:FACTORY)"
        )


def preprocess_of(library: ModuleType, module: nn.Module, where: str) -> Preprocess:
    """Return the preprocessing of a model's pretrained config, checked against timm's transform.

    Raises:
        InputError: Preprocess cannot express it. The message has the fields of the config.
    """
    config = config_of(module)
    wanted = library.data.resolve_data_config({}, pretrained_cfg=config)
    described = (
        f"crop_mode {wanted['crop_mode']!r}, crop_pct {wanted['crop_pct']}, interpolation"
        f" {wanted['interpolation']!r}, input_size {list(wanted['input_size'])}"
    )
    try:
        found = timm.read_preprocess(wanted)
    except InputError as error:
        raise refuse("timm", f"{described} ({error})", where) from error
    transform = library.data.create_transform(**wanted, is_training=False)

    def run(photo: np.ndarray) -> np.ndarray:
        return torch.as_tensor(transform(Image.fromarray(photo))).numpy()

    if matching([found], run) is None:
        raise refuse("timm", f"transform ({described})", where)
    return found


def labels_of(library: ModuleType, config: Mapping[str, Any], classes: int) -> tuple[str, ...]:
    """Return the class names of published weights, from the config or from timm's ImageNet info.

    The result is empty if neither has `classes` names.
    """
    labels = timm.read_labels(config)
    if labels:
        return labels if len(labels) == classes else ()
    info = getattr(library.data, "ImageNetInfo", None)
    if classes in SUBSETS and info is not None:
        return tuple(info(SUBSETS[classes]).label_descriptions())
    return imagenet_labels() if classes == 1000 else ()
