"""Register models of sequences by name; they map features over time to classes."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from torch import nn

from hvit_edge.artifact.input_spec import InputSpec
from hvit_edge.errors import InputError
from hvit_edge.models.initialization import WithoutMemory
from hvit_edge.tasks.names import TENSOR

Builder = Callable[[int, int], nn.Module]


@dataclass(frozen=True)
class SequenceModel:
    """Describes a model of sequences without building it.

    Attributes:
        name: registered name.
        paper: link to the paper.
        argument: name of the input of `forward`, float32 [N, frames, bands].
        frames: default number of frames.
        bands: number of features per frame.
        multiple: the number of frames must be divisible by this number.
        classes: default number of logits.
        builder: builds the module from `(num_classes, frames)`.
    """

    name: str
    paper: str
    argument: str
    frames: int
    bands: int
    multiple: int
    classes: int
    builder: Builder

    @property
    def params(self) -> int:
        """Return the number of parameters at the default number of classes."""
        return _count_parameters(self.name)

    @property
    def input_size(self) -> tuple[int, int]:
        """Return the default (frames, bands)."""
        return self.frames, self.bands

    @property
    def task(self) -> str:
        """Return the name of the task: arrays in and out."""
        return TENSOR

    @property
    def sources(self) -> tuple[str, ...]:
        """Return where weights come from; no checkpoint of this head is published."""
        return "a checkpoint of your own", "random"

    def inputs(self, frames: int) -> list[InputSpec]:
        """Return the declaration of the input: float32 [1, frames, bands]."""
        return [InputSpec(self.argument, (1, frames, self.bands))]

    def check_frames(self, input_size: object) -> int:
        """Return the number of frames that `input_size` requests.

        Args:
            input_size: None for the default, a number of frames, or (frames, bands).

        Raises:
            InputError: the model does not accept this number of frames or bands.
        """
        if input_size is None:
            return self.frames
        sides = input_size if isinstance(input_size, tuple | list) else (input_size, self.bands)
        try:
            frames, bands = map(operator.index, sides)
        except (TypeError, ValueError):
            frames, bands = 0, 0
        if frames < self.multiple or frames % self.multiple or bands != self.bands:
            raise InputError(
                f"[{self.name}] input_size: expected (frames, {self.bands}) with frames a multiple"
                f" of {self.multiple}, got {input_size!r}"
            )
        return frames


_REGISTRY: dict[str, SequenceModel] = {}


def register_sequence_model(name: str, **known: Any) -> Callable[[Builder], Builder]:
    """Register a builder `(num_classes, frames) -> nn.Module` under `name`.

    Args:
        name: name of the model.
        known: the other attributes of `SequenceModel`.

    Raises:
        ValueError: `name` is registered already.
    """

    def register(builder: Builder) -> Builder:
        if name in _REGISTRY:
            raise ValueError(f"[register_sequence_model] expected a new name, got {name!r} twice")
        _REGISTRY[name] = SequenceModel(name=name, builder=builder, **known)
        return builder

    return register


def sequence_models() -> list[SequenceModel]:
    """Return every registered model of sequences, sorted by name."""
    return [_REGISTRY[name] for name in sorted(_REGISTRY)]


def find_sequence_model(name: object) -> SequenceModel | None:
    """Return the model of sequences called `name`, or None if there is none."""
    return _REGISTRY.get(name) if isinstance(name, str) else None


@cache
def _count_parameters(name: str) -> int:
    model = _REGISTRY[name]
    with WithoutMemory():
        built = model.builder(model.classes, model.frames)
    return sum(parameter.numel() for parameter in built.parameters())
