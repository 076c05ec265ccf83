"""Create a model of sequences with weights, by name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from hvit_edge.errors import InputError
from hvit_edge.models.initialization import Uninitialized
from hvit_edge.models.sequences import SequenceModel
from hvit_edge.weights.create import ModelOrigin
from hvit_edge.weights.files import read_checkpoint
from hvit_edge.weights.load import fill, find_weights
from hvit_edge.weights.random_weights import random_state_dict

HEAD = "head.weight"


def create_sequence_model(
    entry: SequenceModel,
    *,
    weights: object,
    num_classes: int | None,
    input_size: object,
    preprocess: object,
    labels: object,
    weights_key: str | None,
) -> nn.Module:
    """Build a model of sequences and load its weights, as `create_model` does.

    Args:
        entry: the registered model.
        weights: "random", a checkpoint file, or a state dict.
        num_classes: number of logits; None for the number in the weights, or the model's default.
        input_size: number of frames, or (frames, bands); None for the default.
        preprocess, labels: must be None or empty, because they are for photos.
        weights_key: the set of weights to use if a checkpoint has several.

    Raises:
        InputError: there are no weights, they do not fit, or an option for photos is given.
    """
    if preprocess is not None or labels:
        raise InputError(
            f"[create_model] {entry.name}: expected no preprocess and no labels, because the input"
            " is features, not photos, got some; leave them out"
        )
    frames = entry.check_frames(input_size)
    if num_classes is not None and num_classes < 1:
        raise InputError(f"[create_model] num_classes: expected at least 1, got {num_classes}")
    state, source = _read(entry, weights)
    with Uninitialized():  # every parameter is filled, or an error is raised
        model = entry.builder(num_classes or entry.classes, frames)
        if state is None:
            chosen = find_weights(model, random_state_dict(model))
        else:
            chosen = find_weights(model, state, weights_key)
            head = chosen.weights.get(HEAD)
            if num_classes is None and head is not None and head.shape[0] != entry.classes:
                model = entry.builder(head.shape[0], frames)
    fill(model, chosen)
    model.hvit_edge = ModelOrigin(entry.name, source, None, ())
    return model.eval()


def _read(entry: SequenceModel, weights: object) -> tuple[Mapping[str, Any] | None, str]:
    """Return the weights and the name of their source; the weights are None for random ones."""
    if weights == "random":
        return None, "random"
    if isinstance(weights, Mapping):
        return weights, "state dict"
    if isinstance(weights, str | Path) and Path(weights).is_file():
        return read_checkpoint(Path(weights)), Path(weights).name
    got = "none" if weights is None else repr(weights)
    raise InputError(
        f"[weights] expected weights of {entry.name}, got {got}, which is not a file; there is no"
        " published checkpoint; pass your own with --weights FILE (weights=), or 'random'"
    )
