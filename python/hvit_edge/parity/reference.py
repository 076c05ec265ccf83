"""The PyTorch model that an artifact was compiled from."""

from __future__ import annotations

from torch import nn

from hvit_edge.errors import InputError
from hvit_edge.metadata import Metadata
from hvit_edge.own_module import own_module
from hvit_edge.weights import UnknownWeightsKey, bundled_names, create_model, weights_digest


def reference_model(
    metadata: Metadata,
    classes: int,
    *,
    model: nn.Module | None = None,
    weights: object = None,
    weights_key: str | None = None,
) -> nn.Module:
    """Find the model behind an artifact again.

    Args:
        metadata, classes: what the artifact says of itself, see `open_artifact.read_identity`.
        model: the module it was compiled from, in eval mode, of which a copy is returned; None
            rebuilds it by its name.
        weights: where its weights are, as for `create_model`; None is what the artifact says.
        weights_key: which set of weights there; None is what the artifact says, if there is such
            a set.

    Raises:
        InputError: the weights cannot be found again, or their digest is not the artifact's; or
            `model` is no module that could have been compiled.
    """
    if model is None:
        source = _where(metadata) if weights is None else weights
        keys = [metadata.weights_key or None, None] if weights_key is None else [weights_key]
        model = _rebuilt(metadata, classes, source, keys)
    else:
        model = own_module(model, "validate")
    digest = weights_digest(model)
    if digest != metadata.weights_sha256:
        key = f", of which it took {metadata.weights_key!r}" if metadata.weights_key else ""
        raise InputError(
            "[reference_model] expected the weights that the artifact was made from, got others"
            f" (SHA-256 {digest[:12]}... instead of {metadata.weights_sha256[:12]}...);"
            f" pass the same checkpoint with --weights (weights=){key}{_notes(model)}"
        )
    return model


def _notes(model: nn.Module) -> str:
    """What was chosen among the weights, for a message that they are not the right ones."""
    return "".join(f"; {note}" for note in getattr(getattr(model, "hvit_edge", None), "notes", ()))


def _rebuilt(metadata: Metadata, classes: int, source: object, keys: list[str | None]) -> nn.Module:
    """The model with the set of weights of the first key that the source has.

    Preprocessing and labels are the artifact's, so that nothing is asked of other files.
    """
    try:
        return create_model(
            metadata.model_name,
            weights=source,
            num_classes=classes,
            weights_key=keys[0],
            preprocess=metadata.preprocess,
            labels=metadata.labels,
        )
    except UnknownWeightsKey:
        if len(keys) == 1:
            raise
        return _rebuilt(metadata, classes, source, keys[1:])


def _where(metadata: Metadata) -> str:
    """The weights of an artifact in the words of `create_model`."""
    source = metadata.weights_source
    named = {f"bundled {name}": name for name in bundled_names(metadata.model_name)}
    if source == "random" or source.startswith("hf:"):
        return source
    if source in named:
        return named[source]
    raise InputError(
        f"[reference_model] expected to find the weights again, got {source!r}, which names no"
        " place; pass the checkpoint as --weights (or the module as model=)"
    )
