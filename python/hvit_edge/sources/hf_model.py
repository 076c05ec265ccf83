"""Build image classifiers of transformers: `hf:OWNER/REPO`, or `hf:FOLDER`."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn

from hvit_edge.errors import InputError
from hvit_edge.preprocess import RESAMPLING, Preprocess
from hvit_edge.sources.address import Address, check_package
from hvit_edge.sources.library_transform import matching, refuse
from hvit_edge.weights import timm, transformers

NUM_LABELS = "num_labels"
_NEVER = {"auto_map", "architectures", "model_type"}
"""Fields that choose the code that runs; arguments and records in artifacts must not set them."""
IMAGES = "ForImageClassification"
"""Part of the class names of image classifiers."""
_FILTERS = {int(number): name for name, number in RESAMPLING.items()}


class Logits(nn.Module):
    """Wraps a classifier of transformers to return only its logits.

    It maps float32 [1, 3, H, W] to float32 [1, classes].
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return the logits of one preprocessed photo."""
        return self.model(pixel_values=pixels, return_dict=True).logits


def import_transformers(where: str) -> ModuleType:
    """Import transformers.

    Raises:
        MissingPackageError: it is not installed.
        InputError: its import fails; the message says how to install versions that fit.
    """
    check_package("hf", where)
    try:
        return importlib.import_module("transformers")
    except Exception as error:
        raise InputError(
            f"[{where}] expected transformers to be imported, got {type(error).__name__}: {error};"
            " pip install 'hvit-edge[hf]' installs versions that fit"
        ) from error


def read_config(
    library: ModuleType,
    address: Address,
    args: Mapping[str, Any],
    classes: int | None,
    where: str,
    head: str | None = IMAGES,
) -> Any:
    """Read the config of a model.

    Args:
        library: the module transformers.
        address: an address of the kind "hf".
        args: fields that replace those of the config.
        classes: number of classes; None for the number in the config.
        where: name of the public function that was called, for messages.
        head: required part of the class name; None for any class.

    Raises:
        InputError: the config cannot be read, has no such field, or has another head.
    """
    config = _read(library, address, {}, where)
    unknown = [key for key in args if key not in {*config.to_dict(), NUM_LABELS} - _NEVER]
    if unknown:
        raise InputError(
            f"[{where}] expected fields of {type(config).__name__}, got {', '.join(unknown)};"
            " correct --arg key=value (args=)"
        )
    given = dict(args) if classes is None else {**args, NUM_LABELS: classes}
    if given:
        config = _read(library, address, given, where)
    heads = _architectures(config)
    if head is not None and heads and not any(head in name for name in heads):
        raise InputError(
            f"[{where}] expected an image classifier in {address.text}, got {', '.join(heads)};"
            f" name a repository with a head {head}, or compile it as a model of any inputs and"
            " outputs with --sample NPZ (inputs=)"
        )
    return config


def _read(library: ModuleType, address: Address, given: Mapping[str, Any], where: str) -> Any:
    """Read a config without running code of the repository."""
    try:
        return library.AutoConfig.from_pretrained(address.name, trust_remote_code=False, **given)
    except Exception as error:
        raise _undelivered(address, "config", error, where) from error


def _architectures(config: Any) -> list[str]:
    return [name for name in config.architectures or [] if isinstance(name, str)]


def class_of(library: ModuleType, config: Any, head: str | None) -> Any:
    """Return the class that builds the model of a config.

    With `head` it is the class of image classifiers. Without it is the class that the config names,
    or else AutoModel.
    """
    if head is not None:
        return library.AutoModelForImageClassification
    named = [getattr(library, name, None) for name in _architectures(config)]
    models = [c for c in named if isinstance(c, type) and issubclass(c, library.PreTrainedModel)]
    return models[0] if models else library.AutoModel


def build(maker: Any, address: Address, config: Any, where: str) -> nn.Module:
    """Build the model of a config with initial weights, float32, in eval mode.

    Raises:
        InputError: transformers has no such model.
    """
    make = getattr(maker, "from_config", None) or maker._from_config
    try:
        return make(config).float().eval()
    except Exception as error:
        reason = (str(error).splitlines() or [""])[0][:200]
        raise InputError(
            f"[{where}] expected transformers to have a model for {type(config).__name__} of"
            f" {address.text}, got {type(error).__name__}: {reason}; name another repository"
        ) from error


def published(
    library: ModuleType, maker: Any, address: Address, config: Any, where: str
) -> tuple[nn.Module, list[str]]:
    """Load the model with the weights of a repository or a folder, strictly.

    Returns:
        The module, and sentences on tensors that are ignored.

    Raises:
        InputError: the weights cannot be read or downloaded, or some weights of the network are
            missing.
    """
    try:
        with _no_bars(library):
            model, info = maker.from_pretrained(
                address.name,
                config=config,
                dtype=torch.float32,
                output_loading_info=True,
                trust_remote_code=False,
            )
    except Exception as error:
        raise _undelivered(address, "weights", error, where) from error
    missing = [*info.get("missing_keys", ()), *map(str, info.get("mismatched_keys", ()))]
    if missing:
        raise InputError(
            f"[{where}] expected weights of the complete model in {address.text}, got none"
            f" for {', '.join(sorted(missing)[:20])}; give the checkpoint with --weights FILE"
            " (weights=FILE), or the number of classes that it has with --num-classes"
            " (num_classes=)"
        )
    left_out = sorted(info.get("unexpected_keys", ()))
    note = (
        f"[weights] {address.text}: {len(left_out)} tensors are not part of the model and were"
        f" ignored: {', '.join(left_out[:3])}"
    )
    return model.float().eval(), [note] if left_out else []


def under_published_names(module: nn.Module, weights: Mapping[str, Any]) -> nn.Module | None:
    """Load weights whose keys are those of transformers' files, not those of its modules.

    Returns:
        The module; None if keys are missing or unexpected with these names too.
    """
    try:
        model, info = type(module).from_pretrained(
            None, config=module.config, state_dict=dict(weights), output_loading_info=True
        )
    except Exception:
        return None
    wrong = (info.get(f"{kind}_keys") for kind in ("missing", "unexpected", "mismatched"))
    return None if any(wrong) else model.float().eval()


@contextmanager
def _no_bars(library: ModuleType) -> Iterator[None]:
    """Hide the progress bars of transformers."""
    control: Any = getattr(getattr(library, "utils", None), "logging", None)
    shown = control is not None and control.is_progress_bar_enabled()
    if shown:
        control.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            control.enable_progress_bar()


def _undelivered(address: Address, what: str, error: Exception, where: str) -> InputError:
    reason = (str(error).splitlines() or [""])[0][:200]
    return InputError(
        f"[{where}] expected the {what} of {address.text}, got {type(error).__name__}: {reason};"
        " check the name, connect to the network, or give a local folder as hf:FOLDER"
    )


def preprocess_of(
    library: ModuleType, address: Address, config: Any, where: str
) -> Preprocess | None:
    """Return the preprocessing of a repository, checked against its own processor on Pillow.

    Returns:
        The preprocessing, or None if the repository has no processor of images.

    Raises:
        InputError: Preprocess cannot express it. The message has the processor's settings.
    """
    try:
        processor = library.AutoImageProcessor.from_pretrained(
            address.name, backend="pil", trust_remote_code=False
        )
    except Exception:
        return None
    settings = processor.to_dict()

    def run(photo: np.ndarray) -> np.ndarray:
        made = processor(images=Image.fromarray(photo), return_tensors="np")
        return np.asarray(made["pixel_values"][0], np.float32)

    try:
        found = matching(_candidates(processor, settings, run), run)
    except InputError:
        raise
    except Exception:  # a processor of other inputs than photos may raise anything
        found = None
    if found is None:
        shown = {key: value for key, value in settings.items() if key in _SHOWN}
        raise refuse("transformers", f"{type(processor).__name__} ({shown})", where)
    return found


_SHOWN = (
    *("size", "crop_size", "crop_pct", "resample", "do_resize", "do_center_crop", "do_pad"),
    *("image_mean", "image_std", "do_normalize", "do_rescale", "rescale_factor"),
)


def _candidates(processor: Any, settings: Mapping[str, Any], run: Any) -> Iterator[Preprocess]:
    """Yield every preprocessing that the settings of a processor may mean."""
    if isinstance(getattr(processor, "data_config", None), Mapping):  # the processor is timm's
        yield timm.read_preprocess(processor.data_config)
        return
    probe = run(np.zeros((48, 64, 3), np.uint8))
    height, width = probe.shape[-2:]
    size = (int(height), int(width))
    interpolation = _FILTERS.get(int(settings.get("resample") or 2))
    if probe.ndim != 3 or probe.shape[0] != 3 or interpolation is None:
        return
    for mean, std in _statistics(settings):
        for order in ("RGB", "BGR"):
            for resize, resize_size in _resizes(settings, size):
                given: tuple[Any, ...] = (resize, resize_size, interpolation, mean, std, order)
                try:
                    yield Preprocess(size, *given)
                except InputError:
                    continue


def _statistics(
    settings: Mapping[str, Any],
) -> Iterator[tuple[tuple[float, ...], tuple[float, ...]]]:
    if not settings.get("do_normalize"):
        yield (0.0,) * 3, (1.0,) * 3
        return
    mean, std = (_three(settings.get(name)) for name in ("image_mean", "image_std"))
    if len(mean) == len(std) == 3:
        yield mean, std
        if settings.get("include_top"):  # EfficientNet's processor divides by std a second time
            yield mean, tuple(value * value for value in std)


def _three(value: float | Sequence[float] | None) -> tuple[float, ...]:
    return (value,) * 3 if isinstance(value, (int, float)) else tuple(value or ())


def _resizes(settings: Mapping[str, Any], size: tuple[int, int]) -> Iterator[tuple[str, int]]:
    """Yield the possible resizes, with the sides that the classes of transformers derive."""
    given = settings.get("size") or {}
    share = settings.get("crop_pct")
    sides: list[int] = [given[name] for name in ("shortest_edge", "height") if given.get(name)]
    for side in sides:
        derived = [side, int(256 / 224 * side)] + ([int(side / share)] if share else [])
        yield from (("shortest-floor", one) for one in dict.fromkeys(derived))
        yield from (("stretch", one) for one in dict.fromkeys(derived) if one != max(size))
    yield "stretch", 0


def labels_of(config: Any) -> tuple[str, ...]:
    """Return the class names of a config; empty if it has only placeholders."""
    return transformers.read_labels(config.to_dict())
