"""Choose the task of an artifact: the requested one, or that of a registered model."""

from __future__ import annotations

from torch import nn

from hvit_edge.models.registry import is_registered, model_task
from hvit_edge.preprocess import Preprocess
from hvit_edge.sources.address import Address
from hvit_edge.tasks import Task, check_own_task, given_task
from hvit_edge.tasks.names import CLASSIFY
from hvit_edge.user_modules.own_module import unwrapped
from hvit_edge.weights import ModelOrigin


def photo_task_name(model: Address | nn.Module, wanted: str | None) -> str:
    """Return the name of the task of a model that takes photos.

    Args:
        model: the model; a module of `create_model` counts as registered.
        wanted: name of the requested task; None for that of a registered model, or to classify.

    Raises:
        InputError: a registered model does not have the task.
    """
    name = _registered_name(model)
    if name is None:
        return wanted or CLASSIFY
    own = model_task(name).name
    if wanted is not None:
        check_own_task(wanted, own, name, "compile")
    return wanted or own


def chosen_task(
    model: Address | nn.Module, given: Task | str | None, preprocess: Preprocess, name: str
) -> Task:
    """Return the task of a model with its options.

    Args:
        model: see `photo_task_name`.
        given: what the caller requests.
        preprocess: preprocessing of the model, with its input size.
        name: name of the task, from `photo_task_name`.

    Raises:
        InputError: the name alone does not say enough.
    """
    if isinstance(given, Task):
        return given
    registered = _registered_name(model)
    if registered is not None:
        own = model_task(registered, preprocess.input_size)
        if own.name == name:
            return own
    return given_task(name, "compile")


def _registered_name(model: Address | nn.Module) -> str | None:
    if isinstance(model, Address):
        return model.name if model.kind == "registered" else None
    origin = getattr(unwrapped(model), "hvit_edge", None)
    if not isinstance(origin, ModelOrigin) or origin.model_source:
        return None
    return origin.name if is_registered(origin.name) else None
