"""Find the PyTorch model from which an artifact was compiled."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import nn

from hvit_edge.artifact.metadata import Metadata
from hvit_edge.errors import InputError
from hvit_edge.models.registry import registered_names
from hvit_edge.sources.address import Address, check_address
from hvit_edge.sources.arguments import check_arguments, read_recorded
from hvit_edge.sources.named_model import FACTORY, named_model
from hvit_edge.user_modules.own_module import check_module, own_module
from hvit_edge.weights import UnknownWeightsKey, bundled_names, create_model, weights_digest

STATE_DICT = "state dict"
_MAKES_IT = "give the module with --model FILE.py:FACTORY (model=module), and "


@dataclass(frozen=True)
class Given:
    """Holds the module of an artifact as the caller gives it; None means as the artifact records.

    Attributes:
        model: the module from which it was compiled, in eval mode, which is copied; or its address,
            such as "FILE.py:FACTORY".
        weights, weights_key: source of the weights, see `create_model`.
        args: arguments of the factory of `model`.
    """

    model: nn.Module | str | Address | None = None
    weights: object = None
    weights_key: str | None = None
    args: Mapping[str, Any] | None = None


NOTHING = Given()


def reference_model(
    metadata: Metadata,
    classes: int | None,
    given: Given = NOTHING,
    *,
    artifact: str | Path | None = None,
    input_size: tuple[int, ...] | None = None,
) -> nn.Module:
    """Return the model from which an artifact was compiled.

    A user's file is run only if `model` names it. A file that only the artifact names is never run.

    Args:
        metadata, classes: see `open_artifact.read_identity`.
        given: the module or weights from the caller.
        artifact: the file; weights that it names without a folder are looked for next to it, and
            in the current folder.
        input_size: that the model is rebuilt for; None is that of its preprocessing.

    Raises:
        InputError: the module or its weights cannot be found; the digest of the weights differs
            from the artifact's; or `model` is not a module that can be compiled.
    """
    model, weights, weights_key, args = given.model, given.weights, given.weights_key, given.args
    if isinstance(model, nn.Module) or not (model is None or isinstance(model, (str, Address))):
        _check_alone(args, weights, weights_key)
        found = own_module(model, "validate")
    else:
        address = _address(metadata, model, artifact)
        source = _where(metadata, address, artifact) if weights is None else weights
        keys = [metadata.weights_key or None, None] if weights_key is None else [weights_key]
        if address is None:
            found = _rebuilt(metadata, classes, source, keys, input_size)
        else:
            recorded = read_recorded(metadata.model_args) if args is None else args
            found = _from_address(metadata, classes, address, recorded, source, keys, input_size)
    digest = weights_digest(found)
    if digest != metadata.weights_sha256:
        key = f", of which it used {metadata.weights_key!r}" if metadata.weights_key else ""
        raise InputError(
            "[reference_model] expected the weights that the artifact was made from, got others"
            f" (SHA-256 {digest[:12]}... instead of {metadata.weights_sha256[:12]}...);"
            f" pass the same checkpoint with --weights (weights=){key}{_notes(found)}"
        )
    return found


def _check_alone(args: object, weights: object, weights_key: object) -> None:
    if (args, weights, weights_key) != (None, None, None):
        raise InputError(
            "[validate] expected args, weights and weights_key only with a name or an address, got"
            " them with a module; load them into the module instead"
        )


def _notes(model: nn.Module) -> str:
    """Return the notes on the choice of weights, for a message that the weights are wrong."""
    return "".join(f"; {note}" for note in getattr(getattr(model, "hvit_edge", None), "notes", ()))


def _address(
    metadata: Metadata, model: str | Address | None, artifact: str | Path | None
) -> Address | None:
    """Return the address of the module, or None if it is registered."""
    recorded = metadata.model_source
    if model is not None:
        address = check_address(model, "validate")
        registered = address.kind == "registered"
        if registered and recorded:
            raise InputError(
                f"[validate] expected the module of {recorded}, got the registered"
                f" {address.name!r}; remove --model (model=), or give the same address"
            )
        return None if registered else address
    if not recorded:
        return None
    address = _recorded_address(recorded, artifact)
    if address is None:
        raise InputError(
            f"[validate] expected the path of {recorded}, from which the artifact was made, got"
            f" none; a file is run only if you name it: add --model {recorded}"
            f" (model={recorded!r}), with its folder if it is in another one"
        )
    return address


def _recorded_address(recorded: str, artifact: str | Path | None) -> Address | None:
    """Return a recorded address of a library; None for a user's file, which is never run from it.

    A folder of transformers is searched next to the artifact and in the current folder.
    """
    kind, _, name = recorded.partition(":")
    if kind == "hf" and "/" not in name:
        folder = _beside(artifact, name)
        return None if folder is None else check_address(f"hf:{folder}", "validate")
    return check_address(recorded, "validate") if kind in ("timm", "hf") else None


def _beside(artifact: str | Path | None, name: str) -> Path | None:
    """Return the path of `name` next to the artifact or in the current folder, or None."""
    folders = [Path(artifact).absolute().parent] if artifact is not None else []
    return next((f / name for f in (*folders, Path.cwd()) if (f / name).exists()), None)


def _from_address(
    metadata: Metadata,
    classes: int,
    address: Address,
    args: Mapping[str, Any],
    weights: object,
    keys: list[str | None],
    input_size: tuple[int, ...] | None,
) -> nn.Module:
    """Build the module of an address with the preprocessing and labels of the artifact."""
    photos = metadata.preprocess is not None
    asked: dict[str, Any] = {"photos": photos}
    if photos:
        asked |= {"preprocess": metadata.preprocess, "labels": metadata.labels}
        asked["input_size"] = metadata.preprocess.input_size
        if address.kind != "file":
            asked["num_classes"] = classes
    elif address.kind != "file":
        asked["input_size"] = input_size
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=r"\[weights\]")
            found = named_model(
                address,
                args=check_arguments(args, "validate"),
                weights=weights,
                weights_key=keys[0],
                where="validate",
                **asked,
            )
    except UnknownWeightsKey:
        if len(keys) == 1:
            raise
        return _from_address(metadata, classes, address, args, weights, keys[1:], input_size)
    origin = found.hvit_edge
    module = own_module(check_module(found, "validate"), "validate")
    module.hvit_edge = replace(origin, name=metadata.model_name)
    return module


def _rebuilt(
    metadata: Metadata,
    classes: int,
    source: object,
    keys: list[str | None],
    input_size: tuple[int, ...] | None,
) -> nn.Module:
    """Build the registered model with the first set of weights of `keys` that the source has.

    Preprocessing and labels are those of the artifact, so no other files are needed.
    """
    try:
        return create_model(
            metadata.model_name,
            weights=source,
            num_classes=classes,
            input_size=input_size,
            weights_key=keys[0],
            preprocess=metadata.preprocess,
            labels=metadata.labels,
        )
    except UnknownWeightsKey:
        if len(keys) == 1:
            raise
        return _rebuilt(metadata, classes, source, keys[1:], input_size)


def _where(metadata: Metadata, address: Address | None, artifact: str | Path | None) -> object:
    """Return the weights of an artifact as an argument of `create_model`.

    The result is None for the weights that its module has anyway.
    """
    source = metadata.weights_source
    if source == "random":
        return source
    if metadata.model_source and (
        source == FACTORY or source == metadata.model_source or _is_its_folder(source, metadata)
    ):
        return None
    if source.startswith("hf:"):
        return source
    named = {f"bundled {name}": name for name in bundled_names(metadata.model_name)}
    if source in named:
        return named[source]
    if source != STATE_DICT:
        return _found_again(source, artifact)
    if address is not None and address.kind == "file":
        return None
    made = "" if metadata.model_name in registered_names() else _MAKES_IT
    raise InputError(
        f"[reference_model] expected to find the weights, got {source!r}, which is not a"
        f" location; {made}pass the checkpoint with --weights FILE (weights=FILE)"
    )


def _is_its_folder(source: str, metadata: Metadata) -> bool:
    return f"folder {metadata.model_source.removeprefix('hf:')}" == source


def _found_again(source: str, artifact: str | Path | None) -> Path:
    """Return the recorded file or folder, from next to the artifact or the current folder."""
    path = _beside(artifact, source.removeprefix("folder "))
    if path is not None:
        return path
    raise InputError(
        f"[reference_model] expected to find the weights, got {source!r}, which is neither"
        " next to the artifact nor in this folder; pass the checkpoint with --weights FILE"
        " (weights=FILE)"
    )
