"""The PyTorch model that an artifact was compiled from."""

from __future__ import annotations

from torch import nn

from hvit_edge.errors import InputError
from hvit_edge.metadata import Metadata
from hvit_edge.own_module import own_module
from hvit_edge.weights import bundled_names, create_model, weights_digest


def reference_model(
    metadata: Metadata, classes: int, *, model: nn.Module | None = None, weights: object = None
) -> nn.Module:
    """Find the model behind an artifact again.

    Args:
        metadata, classes: what the artifact says of itself, see `open_artifact.read_identity`.
        model: the module it was compiled from, in eval mode, of which a copy is returned; None
            rebuilds it by its name.
        weights: where its weights are, as for `create_model`; None is what the artifact says.

    Raises:
        InputError: the weights cannot be found again, or their digest is not the artifact's; or
            `model` is no module that could have been compiled.
    """
    if model is None:
        model = create_model(
            metadata.model_name,
            weights=_where(metadata) if weights is None else weights,
            num_classes=classes,
            input_size=metadata.preprocess.input_size,
        )
    else:
        model = own_module(model, "validate")
    digest = weights_digest(model)
    if digest != metadata.weights_sha256:
        raise InputError(
            "[reference_model] expected the weights that the artifact was made from, got others"
            f" (SHA-256 {digest[:12]}... instead of {metadata.weights_sha256[:12]}...);"
            " pass the same checkpoint as --weights"
        )
    return model


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
