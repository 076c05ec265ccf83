"""Build a module from its address, with its weights, preprocessing and labels."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import nn

from hvit_edge.errors import InputError
from hvit_edge.hints import worded
from hvit_edge.labels import given_labels
from hvit_edge.preprocess import Preprocess
from hvit_edge.sources import hf_model, timm_model
from hvit_edge.sources.address import Address, check_address
from hvit_edge.sources.arguments import check_arguments, recorded
from hvit_edge.sources.checkpoint import Loaded, classes_of, load_into
from hvit_edge.sources.factory_file import argument_of, module_from_file
from hvit_edge.sources.hf_model import NUM_LABELS
from hvit_edge.sources.library_transform import probes
from hvit_edge.sources.settle_norms import settle_norms
from hvit_edge.weights import ModelOrigin, create_model, timm
from hvit_edge.weights.checkpoint import RANDOM, open_checkpoint
from hvit_edge.weights.create import resized
from hvit_edge.weights.evidence import CONFIG
from hvit_edge.weights.json_file import read_json_object
from hvit_edge.weights.load import HeadMismatch
from hvit_edge.weights.preprocess_choice import ARGUMENT, PreprocessChoice, read_choice

FACTORY = "factory"


@dataclass(frozen=True)
class Request:
    """Holds the request for a module that is not in our registry; see `named_model`."""

    address: Address
    args: Mapping[str, Any]
    weights: Any
    weights_key: str | None
    classes: int | None
    size: tuple[int, int] | None
    choice: PreprocessChoice
    labels: tuple[str, ...] | None
    where: str
    photos: bool = True


@dataclass(frozen=True)
class _Known:
    """Holds the module of an address and the information about it."""

    loaded: Loaded
    preprocess: Preprocess | None
    preprocess_source: str
    labels: tuple[str, ...] = ()
    labels_source: str = ""
    name: str = ""
    recorded: str = ""
    args: Mapping[str, Any] | None = None  # arguments to record, if not those of the request
    by_timm: bool = False  # the preprocessing is from timm's pretrained config


def named_model(
    model: str | Address,
    *,
    args: Mapping[str, Any] | None = None,
    weights: Any = None,
    weights_key: str | None = None,
    num_classes: int | None = None,
    input_size: int | tuple[int, int] | None = None,
    preprocess: Any = None,
    labels: object = None,
    where: str = "compile",
    photos: bool = True,
) -> nn.Module:
    """Build the module of an address.

    Args:
        model: a registered name, `FILE.py:FACTORY`, `timm:NAME[.TAG]` or `hf:OWNER/REPO`; or the
            Address that was read from one of them.
        args: arguments of the factory or of `timm.create_model`, or fields of the transformers
            config.
        weights: a checkpoint of the module, or "random"; None for the published checkpoint, or for
            the weights that the factory sets.
        weights_key, num_classes, input_size, labels: see `create_model`.
        preprocess: any form that `preprocess_choice.read_choice` accepts.
        where: name of the public function that was called, for messages.
        photos: False for a module of any inputs and outputs. No preprocessing, labels or classes
            are then required, and a model of transformers may have any head.

    Returns:
        The module in eval mode, with a ModelOrigin as its attribute `hvit_edge`. The mode of a
        module from a file is the one that the factory set.

    Raises:
        InputError: an argument is wrong, or does not fit the module.
    """
    address = check_address(model, where)
    args = check_arguments(args, where)
    if address.kind == "registered":
        if args:
            raise InputError(
                f"[{where}] --arg (args=): expected none for the registered {address.name}, got"
                f" {', '.join(args)}"
            )
        return create_model(
            address.name,
            weights=weights,
            num_classes=num_classes,
            input_size=input_size,
            weights_key=weights_key,
            preprocess=preprocess,
            labels=labels,
        )
    request = Request(
        address,
        args,
        weights,
        weights_key,
        num_classes,
        _size(input_size, where),
        read_choice(preprocess, where),
        given_labels(labels),
        where,
        photos,
    )
    known = {"file": _of_file, "timm": _of_timm, "hf": _of_hf}[address.kind](request)
    return _with_origin(request, known)


def _size(given: int | tuple[int, int] | None, where: str) -> tuple[int, int] | None:
    if given is None:
        return None
    sides = tuple(given) if isinstance(given, (tuple, list)) else (given, given)
    if len(sides) != 2 or not all(isinstance(s, int) and s > 0 for s in sides):
        raise InputError(
            f"[{where}] input_size: expected a side in pixels, or (height, width), got {given!r}"
        )
    return sides


def _of_file(request: Request) -> _Known:
    where = request.where
    if request.classes is not None:
        raise InputError(
            f"[{where}] --num-classes (num_classes=): expected none for {request.address.text},"
            " whose factory decides; give it an argument with --arg NAME=N (args=)"
        )
    made, preprocess = module_from_file(request.address, request.args, where)
    loaded = Loaded(made, FACTORY) if request.weights is None else _loaded(request, made)
    config = timm_model.config_of(made) if request.choice.named == "timm" else {}
    if config:
        preprocess = timm.read_preprocess(config)
    return _Known(loaded, preprocess, "pretrained_cfg" if config else FACTORY, by_timm=bool(config))


def _loaded(request: Request, made: nn.Module) -> Loaded:
    """Load a checkpoint into the module of a factory, which decides the number of classes.

    Raises:
        InputError: the weights do not fit. If only the number of classes differs, the message names
            the argument of the factory.
    """
    try:
        return load_into(lambda _: made, request.weights, request.weights_key, None, request.where)
    except HeadMismatch as error:
        name = argument_of(request.address, request.args, error.classes)
        text = request.address.text
        raise InputError(
            f"[{request.where}] expected a head of {error.classes} classes, as {text} makes it, got"
            f" one of {error.found} in the weights; give the factory that number with --arg"
            f" {name}={error.found} (args={{{name!r}: {error.found}}})"
        ) from error


def _of_timm(request: Request) -> _Known:
    where, name = request.where, request.address.name
    library = timm_model.import_timm(where)
    timm_model.check_name(library, name, where)
    config = library.get_pretrained_cfg(name)
    config = config.to_dict() if config is not None else {}
    if request.photos:
        timm_model.check_channels(config, request.args, where)
    published = request.weights is None
    if published:
        name = timm_model.check_published(library, name, where)

    def build(classes: int | None) -> nn.Module:
        size = request.size or request.choice.input_size
        given = (library, name, request.args, classes, size)
        return timm_model.build(*given, published=published, where=where).eval()

    if published:
        loaded = Loaded(build(request.classes), f"timm:{name}")
    else:
        loaded = load_into(build, request.weights, request.weights_key, request.classes, where)
    if not request.photos:
        args = {**request.args, "num_classes": classes_of(loaded.module) or 0}
        return _Known(loaded, None, "", name=name, recorded=f"timm:{name}", args=args)
    classes = getattr(loaded.module, "num_classes", None)
    if not classes:
        raise InputError(
            f"[{where}] expected a classifier, got timm's {name}, which is published without one;"
            " give --num-classes N (num_classes=N) and --weights FILE (weights=FILE)"
        )
    beside = _timm_config(loaded)
    labels = labels_source = None
    if beside:
        preprocess, source = timm.read_preprocess(beside), CONFIG
        labels, labels_source = timm.read_labels(beside), CONFIG
    elif request.choice.whole is not None:
        preprocess, source = request.choice.whole, ARGUMENT
    else:
        preprocess = timm_model.preprocess_of(library, loaded.module, where)
        source = f"timm's pretrained_cfg of {name}"
    if not labels and published and classes == config.get("num_classes"):
        labels = timm_model.labels_of(library, config, classes)
        labels_source = f"timm's {timm_model.SUBSETS.get(classes, 'pretrained_cfg')}"
    return _Known(
        loaded,
        preprocess,
        source,
        labels or (),
        labels_source or "",
        name,
        f"timm:{name}",
        by_timm=True,
    )


def _timm_config(loaded: Loaded) -> dict[str, Any]:
    """Return the timm config.json next to a checkpoint; empty if there is none."""
    path = loaded.find(CONFIG) if loaded.find else None
    content = read_json_object(path) if path else {}
    return content if timm.is_config(content) else {}


def _of_hf(request: Request) -> _Known:
    where, address = request.where, request.address
    library = hf_model.import_transformers(where)
    heads = hf_model.IMAGES if request.photos else None
    configs = [hf_model.read_config(library, address, request.args, request.classes, where, heads)]
    maker = hf_model.class_of(library, configs[0], heads)

    def build(classes: int | None) -> nn.Module:
        if classes is not None:
            config = hf_model.read_config(library, address, request.args, classes, where, heads)
            configs.append(config)
        return hf_model.build(maker, address, configs[-1], where)

    if request.weights is None:
        module, notes = hf_model.published(library, maker, address, configs[0], where)
        source = f"folder {address.folder.resolve().name}" if address.folder else address.text
        loaded = Loaded(module, source, notes=tuple(notes))
    else:
        loaded = _hf_checkpoint(request, library, maker, build, configs)
    if not request.photos:
        return _Known(loaded, None, "", args={**request.args, NUM_LABELS: configs[-1].num_labels})
    config = configs[-1]
    labels = () if loaded.source == RANDOM else hf_model.labels_of(config)
    preprocess, source = request.choice.whole, ARGUMENT
    if preprocess is None:
        preprocess = hf_model.preprocess_of(library, address, config, where)
        source = "preprocessor_config.json"
    module = hf_model.Logits(loaded.module).eval()
    loaded = Loaded(module, loaded.source, loaded.key, loaded.notes)
    return _Known(loaded, preprocess, source, labels, CONFIG if labels else "")


def _hf_checkpoint(
    request: Request,
    library: ModuleType,
    maker: Any,
    build: Callable[[int | None], nn.Module],
    configs: list[Any],
) -> Loaded:
    """Load a checkpoint into a classifier of transformers, which uses two sets of weight names.

    A config next to the weights is added to `configs`, because its labels are used.
    """
    weights, where = request.weights, request.where
    text = weights if str(weights).startswith("hf:") else f"hf:{weights}"
    if isinstance(weights, (str, Path)) and (text == weights or (Path(weights) / CONFIG).is_file()):
        address = check_address(text, where)
        heads = hf_model.IMAGES if request.photos else None
        given = (request.args, request.classes, where, heads)
        own = hf_model.read_config(library, address, *given)
        configs.append(own)
        module, notes = hf_model.published(library, maker, address, own, where)
        folder = address.folder
        source = f"folder {folder.resolve().name}" if folder else address.text
        return Loaded(module, source, notes=tuple(notes))
    is_random = isinstance(weights, str) and weights == RANDOM
    opened = None if is_random else open_checkpoint(weights, where)
    try:
        return load_into(build, opened or RANDOM, request.weights_key, request.classes, where)
    except HeadMismatch:
        raise
    except InputError:
        if opened is None:
            raise
        module = hf_model.under_published_names(build(request.classes), opened.content)
        if module is None:
            raise
        return Loaded(module, opened.source)


def _with_origin(request: Request, known: _Known) -> nn.Module:
    module, notes = known.loaded.module, known.loaded.notes
    preprocess, source = _preprocess(request, known) if request.photos else (None, "")
    if preprocess is not None and known.loaded.source == RANDOM:
        settle_norms(module, torch.from_numpy(np.concatenate(list(map(preprocess, probes())))))
    labels, labels_source = known.labels, known.labels_source
    if request.labels is not None:
        labels, labels_source = request.labels, ARGUMENT if request.labels else ""
    for note in notes:
        warnings.warn(worded(note), stacklevel=4)
    module.hvit_edge = ModelOrigin(
        known.name or request.address.model_name,
        known.loaded.source,
        preprocess,
        labels,
        source,
        labels_source,
        known.loaded.key,
        notes,
        known.recorded or request.address.recorded,
        recorded(request.args if known.args is None else known.args),
    )
    return module


def _preprocess(request: Request, known: _Known) -> tuple[Preprocess, str]:
    choice, size = request.choice, request.size
    if choice.named == "timm" and known.by_timm:
        choice = replace(choice, named="")
    wanted = choice.input_size
    if size is not None and wanted is not None and size != tuple(wanted):
        raise InputError(
            f"[{request.where}] input_size: expected {wanted} as in preprocess, got {size}; give"
            " only one of --input-size (input_size=) and --preprocess (preprocess=)"
        )
    size = size or wanted
    found, source = known.preprocess, known.preprocess_source
    if found is not None:
        return choice.over(resized(found, size) if size else found, source)
    if size is None:
        raise InputError(
            f"[{request.where}] preprocessing: {request.address.text} says nothing about photos,"
            " and nothing is assumed; give --preprocess FILE or imagenet (preprocess=) and"
            " --input-size HxW (input_size=), or --sample FILE.npz (inputs=...) for a model of"
            " arrays"
        )
    if choice.named or choice.whole is not None:
        return choice.at(size).over(Preprocess(size), ARGUMENT)
    missing = [name for name in ("mean", "std") if name not in choice.fields]
    if missing:
        options = ", ".join(f"--{name} R,G,B (preprocess={{{name!r}: ...}})" for name in missing)
        raise InputError(
            f"[{request.where}] preprocessing: expected mean and std, {request.address.text} says"
            f" nothing about photos; give {options}, or --preprocess FILE or imagenet (preprocess=)"
        )
    return choice.over(Preprocess(size), "default of Preprocess")
