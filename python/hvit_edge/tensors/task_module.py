"""Wrap a module as a function from a photo to the outputs of a task."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import torch
from torch import nn

from hvit_edge.models.pooled import PooledClassifier
from hvit_edge.tasks import Embed, Task
from hvit_edge.tasks.names import EMBEDDING, LOGITS, OFFSETS
from hvit_edge.tensors.tensor_module import TensorModule

KEYS = {EMBEDDING: (EMBEDDING,), LOGITS: (LOGITS, "out"), OFFSETS: (OFFSETS,)}
"""By output of a task, the keys and fields under which modules return it."""


class TaskModule(TensorModule):
    """Calls a module with a photo, and returns the outputs of a task in their order.

    Args:
        model: the module in eval mode.
        task: the task. To embed, a classifier of this package gives its pooled features.
    """

    def __init__(self, model: nn.Module, task: Task) -> None:
        super().__init__(model, None)
        self.output_names = task.output_names
        self.pooled = isinstance(task, Embed) and isinstance(model, PooledClassifier)

    def answer(self, *tensors: torch.Tensor) -> object:
        """Return the outputs of the task, or all outputs of a module that does not name them."""
        run = self.model.features if self.pooled else self.model
        return chosen(run(*tensors), self.output_names)


def chosen(output: object, names: tuple[str, ...]) -> object:
    """Return the named outputs of a mapping or data class as a tuple; others are not changed.

    Other entries, such as the `aux` of torchvision's networks, are dropped.
    """
    if dataclasses.is_dataclass(output) and not isinstance(output, (type, Mapping)):
        output = {one.name: getattr(output, one.name) for one in dataclasses.fields(output)}
    if not isinstance(output, Mapping):
        return output
    found = [next((key for key in KEYS[name] if key in output), None) for name in names]
    return output if None in found else tuple(output[key] for key in found)
