"""Create a model with weights, by name."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import nn

from hvit_edge.boundary.public import public
from hvit_edge.errors import InputError
from hvit_edge.hints import worded
from hvit_edge.labels import given_labels
from hvit_edge.models.initialization import Uninitialized, WithoutMemory
from hvit_edge.models.registry import (
    InputSize,
    ModelInfo,
    build_model,
    check_input_size,
    model_info,
)
from hvit_edge.models.sequences import find_sequence_model
from hvit_edge.preprocess import Preprocess
from hvit_edge.tasks.names import DETECT
from hvit_edge.weights.bundled import bundled_names, data_labels, find_bundled, is_bundled
from hvit_edge.weights.checkpoint import RANDOM, Checkpoint, open_checkpoint
from hvit_edge.weights.evidence import CONFIG, Evidence, Given, read_evidence
from hvit_edge.weights.files import read_checkpoint
from hvit_edge.weights.keymap import StateDict
from hvit_edge.weights.load import fill, find_weights, head_classes, notes_on
from hvit_edge.weights.preprocess_choice import ARGUMENT, read_choice
from hvit_edge.weights.random_weights import random_state_dict
from hvit_edge.weights.weight_sets import WeightSet

Weights = str | Path | Mapping[str, Any] | None
ASSUMED = "assumed: "  # begins the source of a value that no file or argument gives


@dataclass(frozen=True)
class WeightsSource:
    """Holds weights and the information that came with them.

    Attributes:
        state_dict: tensors by the checkpoint's own keys without prefixes, float32; None for random
            weights, which depend only on the model.
        source: where they are from: "random", "bundled NAME", "hf:OWNER/REPO", a file's name,
            "folder NAME" or "state dict". Artifacts store it, so it contains no path.
        preprocess: the preprocessing that the weights expect.
        labels: class names, or empty.
        num_classes: number of classes that the source states; None if it does not.
        preprocess_source, labels_source: where they are from: "argument", the name of a file, a key
            format, or "assumed: ..."; `labels_source` is empty without labels.
        weights_key: key of the set of weights, if it was chosen from several.
        notes: sentences on what was assumed, chosen or ignored.
        chosen: the set of weights; None for random weights.
        head_classes: number of classes of the head in the weights; None for random weights, or if
            the weights do not fit.
        classes_source: name of the source that states `num_classes`.
    """

    state_dict: StateDict | None
    source: str
    preprocess: Preprocess
    labels: tuple[str, ...]
    num_classes: int | None
    preprocess_source: str = ""
    labels_source: str = ""
    weights_key: str = ""
    notes: tuple[str, ...] = ()
    chosen: WeightSet | None = None
    head_classes: int | None = None
    classes_source: str = ""


@dataclass(frozen=True)
class ModelOrigin:
    """Describes where a model came from; `create_model` attaches it as `.hvit_edge`.

    The attributes are those of WeightsSource, and `name` is the registered name. For a model that
    is not registered, `model_source` is its address as an artifact records it, and `model_args` are
    its arguments as JSON. `preprocess` is None for a model that does not
    take photos.
    """

    name: str
    weights_source: str
    preprocess: Preprocess | None
    labels: tuple[str, ...]
    preprocess_source: str = ""
    labels_source: str = ""
    weights_key: str = ""
    notes: tuple[str, ...] = ()
    model_source: str = ""
    model_args: str = ""

    @property
    def photos(self) -> Preprocess:
        """Return the preprocessing of a model that takes photos.

        Raises:
            ValueError: the model does not take photos.
        """
        if self.preprocess is None:
            raise ValueError(f"expected preprocessing of photos for {self.name}, got none")
        return self.preprocess


@dataclass(frozen=True)
class _Asked:
    """Holds a request whose model is known."""

    info: ModelInfo
    given: Given
    weights_key: str | None


@public("create_model")
def create_model(
    name: str,
    *,
    weights: Weights = None,
    num_classes: int | None = None,
    input_size: InputSize = None,
    weights_key: str | None = None,
    preprocess: Preprocess | Mapping[str, Any] | str | Path | None = None,
    labels: object = None,
) -> nn.Module:
    """Build a model and load its weights.

    Preprocessing and class names come from the first of these that has them: the arguments; the
    configs next to the weights (config.json of timm or transformers, preprocessor_config.json, our
    .json); the key format; the default of the model. A warning reports that a default is used.

    Args:
        name: a registered model, see `list_models`.
        weights: None for the published checkpoint, downloaded from the Hugging Face hub; "random"
            for deterministic random weights; a bundled name ("cifar10" for mobilevit_xxs); a
            checkpoint file of any name, or an index of shards; a folder laid out like a hub
            repository; "hf:owner/repo"; or a state dict.
        num_classes: number of logits, with the background of segmentation models and detectors;
            None for the number that the source states, or that the head in the weights has.
        input_size: side in pixels, or (height, width); None for the size that the weights expect.
        weights_key: the set of weights to use if a checkpoint has several, such as
            "state_dict_ema". With None the raw ones are used, and a warning names the others.
        preprocess: preprocessing that replaces the one of the weights: a Preprocess, a JSON file,
            "timm" or "imagenet", or a mapping of single fields.
        labels: class names in any form that `labels.read_labels` accepts, or the path of a file.

    Returns:
        The model in eval mode. It maps float32 [N, 3, height, width] to logits float32
        [N, num_classes], or to the outputs of its task. Its attribute `hvit_edge` is a ModelOrigin.

    Raises:
        InputError: the name is unknown, the weights do not fit or cannot be read or downloaded,
            they have another number of classes than `num_classes`, or a config is for another
            network.
    """
    if (entry := find_sequence_model(name)) is not None:
        from hvit_edge.weights.create_sequence import create_sequence_model

        return create_sequence_model(
            entry,
            weights=weights,
            num_classes=num_classes,
            input_size=input_size,
            preprocess=preprocess,
            labels=labels,
            weights_key=weights_key,
        )
    names = given_labels(labels)
    size = check_input_size(name, input_size)  # before anything is read or downloaded
    choice = read_choice(preprocess, "create_model").at(size)
    source = resolve_weights(
        name, weights, weights_key=weights_key, preprocess=choice.whole, labels=names
    )
    size = check_input_size(name, input_size or choice.input_size or source.preprocess.input_size)
    if size != tuple(choice.input_size or size):
        raise InputError(
            f"[create_model] input_size: expected {choice.input_size} as in preprocess, got {size};"
            " give only one of --input-size (input_size=) and --preprocess (preprocess=)"
        )
    classes, counted = _classes(source, num_classes, model_info(name).default.classes)
    with Uninitialized():  # every parameter is filled, or an error is raised
        model = build_model(name, num_classes=classes, input_size=size)
    _fill(model, source)
    source = _with_labels(source, classes, name, names)
    fitted, said = choice.over(resized(source.preprocess, size), source.preprocess_source)
    notes = (*source.notes, *counted, *_said(name, fitted, said))
    for note in notes:
        warnings.warn(worded(note), stacklevel=3)  # past `public`
    model.hvit_edge = ModelOrigin(
        name,
        source.source,
        fitted,
        source.labels,
        said,
        source.labels_source,
        source.weights_key,
        notes,
    )
    return model.eval()


def _classes(source: WeightsSource, asked: int | None, published: int) -> tuple[int, list[str]]:
    """Return the number of classes of a model with these weights, and sentences on it.

    It is the requested number, the number in a file next to the weights, or the number of rows of
    the head. There is a sentence if only the head states it and there are no labels.
    """
    head, stated = source.head_classes, source.num_classes
    if asked is not None:
        return asked, []
    if head is None:
        return stated or published, []
    if stated is not None and stated != head:
        raise InputError(
            f"[create_model] expected one class count for {source.source}, got a head of {head}"
            f" classes and {stated} in {source.classes_source}; use the count of the head with"
            f" --num-classes {head} (num_classes={head}), and give its labels with --labels FILE"
            " (labels=)"
        )
    if stated is not None or head == published:
        return head, []
    note = (
        f"[weights] classes: {head}, as many as the head in {source.source} has; no file next to"
        " the weights names them; give names with --labels FILE (labels=)"
    )
    return head, [] if source.labels else [note]


def _fill(model: nn.Module, source: WeightsSource) -> None:
    chosen = source.chosen
    fill(model, find_weights(model, random_state_dict(model)) if chosen is None else chosen)


def _with_labels(
    source: WeightsSource, classes: int, name: str, given: tuple[str, ...] | None
) -> WeightsSource:
    """Add the labels of the published data set to trained weights without labels.

    The weights must have as many classes.

    Raises:
        InputError: the number of labels differs from that of the classes with names.
    """
    info = model_info(name)
    wanted = classes - unnamed_classes(name)
    if source.labels and len(source.labels) != wanted:
        after = "" if wanted == classes else " without the background"
        raise InputError(
            f"[create_model] expected {wanted} labels for {wanted} classes{after}, got"
            f" {len(source.labels)} from {_named(source.labels_source, 'labels')}; correct them, or"
            " give others with --labels FILE (labels=)"
        )
    published, trained = info.default, source.state_dict is not None
    if source.labels or given is not None or classes != published.classes or not trained:
        return source
    labels = data_labels(published.data)
    if source.source == f"hf:{published.hub}":
        return replace(source, labels=labels, labels_source="published checkpoint")
    note = (
        f"[weights] labels assumed: those of {published.data}, because the weights have {classes}"
        " classes and no file next to them names these; give others with --labels FILE (labels=)"
    )
    return replace(
        source,
        labels=labels,
        labels_source=f"{ASSUMED}{published.data}",
        notes=(*source.notes, note),
    )


def _named(source: str, option: str) -> str:
    """Return the name of a source for a message: the option if it is an argument."""
    return f"--{option} ({option}=)" if source == ARGUMENT else source


def resolve_weights(
    name: str,
    weights: Weights,
    *,
    weights_key: str | None = None,
    preprocess: Preprocess | None = None,
    labels: tuple[str, ...] | None = None,
) -> WeightsSource:
    """Find and read the weights that `create_model` would load, with its arguments and errors."""
    asked = _Asked(model_info(name), Given(preprocess, labels), weights_key)
    if weights is None:
        weights = _published(name, asked.info)
    if isinstance(weights, str) and weights == RANDOM:
        return _random(asked)
    if isinstance(weights, str) and is_bundled(weights):
        return _from_bundled(asked, weights)
    named = [RANDOM, *bundled_names(asked.info.name)]
    return _from_checkpoint(asked, open_checkpoint(weights, "weights", named))


def resized(preprocess: Preprocess, size: tuple[int, int]) -> Preprocess:
    """Return `preprocess` for another input size, with the same ratio of resize to crop.

    Args:
        preprocess: the preprocessing.
        size: new (height, width) in pixels.
    """
    if size == preprocess.input_size:
        return preprocess
    resize_size = preprocess.resize_size
    if resize_size:
        resize_size = resize_size * max(size) // max(preprocess.input_size)
    return replace(preprocess, input_size=size, resize_size=resize_size)


def _published(name: str, info: ModelInfo) -> str:
    if info.default.hub is None and not info.default.files:
        first = bundled_names(name)[0]
        raise InputError(
            f"[weights] expected weights of {name}, got none: none are published; pass the bundled"
            f" ones as --weights {first} (weights={first!r}), or a file of yours as --weights FILE"
            " (weights=FILE)"
        )
    if info.default.hub is None:
        raise InputError(
            f"[weights] expected a checkpoint of {name} on the hub, got none: the authors"
            f" publish it at {info.default.files}; download the file and pass its path with"
            " --weights FILE (weights=FILE), or --weights random (weights='random')"
        )
    return f"hf:{info.default.hub}"


def _random(asked: _Asked) -> WeightsSource:
    if asked.weights_key is not None:
        raise InputError(
            f"[weights] weights_key: expected none with random weights, got {asked.weights_key!r}"
        )
    given = asked.given
    return WeightsSource(
        None,
        RANDOM,
        given.preprocess or asked.info.default.preprocess,
        given.labels or (),
        None,
        ARGUMENT if given.preprocess else f"default of {asked.info.name}",
        ARGUMENT if given.labels else "",
    )


def _from_bundled(asked: _Asked, weights: str) -> WeightsSource:
    found = find_bundled(asked.info.name, weights)
    source = f"bundled {weights}"
    classes = _class_count(asked.info.name, found.labels)
    evidence = Evidence(found.preprocess, found.labels, classes, source, source)
    return _resolve(asked, Checkpoint(read_checkpoint(found.file), source), evidence)


def _from_checkpoint(asked: _Asked, opened: Checkpoint) -> WeightsSource:
    evidence = Evidence()
    if opened.file is not None and opened.find is not None:
        evidence = read_evidence(asked.info.name, opened.file.name, opened.find, asked.given)
    return _resolve(asked, opened, evidence)


def _resolve(asked: _Asked, opened: Checkpoint, evidence: Evidence) -> WeightsSource:
    """Combine weights with the information of the caller, files, key format and registry."""
    with WithoutMemory():
        model = build_model(asked.info.name)
    chosen = find_weights(model, opened.content, asked.weights_key)
    given = asked.given
    preprocess, preprocess_source = _preprocess(asked, evidence, chosen)
    labels = evidence.labels if given.labels is None else given.labels
    labels_source = evidence.labels_source if given.labels is None else ARGUMENT
    return WeightsSource(
        state_dict=chosen.weights,
        source=opened.source,
        preprocess=preprocess,
        labels=labels,
        num_classes=evidence.num_classes or _class_count(asked.info.name, labels),
        preprocess_source=preprocess_source,
        labels_source=labels_source if labels else "",
        weights_key=chosen.key if chosen.others or asked.weights_key else "",
        notes=(*evidence.notes, *notes_on(chosen, opened.source)),
        chosen=chosen,
        head_classes=head_classes(model, chosen, asked.info.default.classes),
        classes_source=evidence.classes_source or labels_source,
    )


def unnamed_classes(name: str) -> int:
    """Return the number of classes of a registered model that have no label: the background."""
    return 1 if model_info(name).task == DETECT else 0


def _class_count(name: str, labels: tuple[str, ...]) -> int | None:
    return len(labels) + unnamed_classes(name) if labels else None


def _preprocess(asked: _Asked, evidence: Evidence, chosen: WeightSet) -> tuple[Preprocess, str]:
    """Return the preprocessing that the weights expect, and where it is from."""
    if asked.given.preprocess is not None:
        return asked.given.preprocess, ARGUMENT
    if evidence.preprocess is not None:
        return evidence.preprocess, evidence.preprocess_source
    key_format = chosen.key_format
    found, source = asked.info.default.preprocess, f"{ASSUMED}default of {asked.info.name}"
    if key_format.preprocess is not None:
        found, source = key_format.preprocess, f"key format of {key_format.name}"
    size = evidence.input_size or found.input_size
    if size == tuple(found.input_size):
        return found, source
    return resized(found, size), f"{source}, at the image_size of {CONFIG}"


def _said(name: str, preprocess: Preprocess, source: str) -> list[str]:
    """Return a sentence on the preprocessing if it was assumed, otherwise nothing."""
    if not source.startswith(ASSUMED):
        return []
    return [
        f"[weights] preprocessing assumed: {preprocess.describe()}, the default of {name}, because"
        " no file next to the weights says what they expect; give another with --preprocess FILE"
        " (preprocess=)"
    ]
