"""Read the task that a caller requests."""

from __future__ import annotations

from hvit_edge.errors import InputError
from hvit_edge.tasks.classify import Classify
from hvit_edge.tasks.detect import Detect
from hvit_edge.tasks.embed import Embed
from hvit_edge.tasks.names import CLASSIFY, DETECT, EMBED, PHOTO_TASKS
from hvit_edge.tasks.segment import Segment
from hvit_edge.tasks.task import Task

_BY_NAME: dict[str, type[Task]] = {one.name: one for one in (Classify, Embed, Segment, Detect)}


def task_name(task: object, where: str) -> str | None:
    """Return the name of a requested task; None if none was requested.

    Args:
        task: a `Task`, its name, or None.
        where: name of the public function that was called, for messages.

    Raises:
        InputError: it is something else.
    """
    if task is None:
        return None
    if isinstance(task, Task):
        return task.name
    if isinstance(task, str) and task in PHOTO_TASKS:
        return task
    raise InputError(
        f"[{where}] task: expected one of {', '.join(PHOTO_TASKS)}, or a Task of hvit_edge.tasks,"
        f" got {task!r}"
    )


def given_task(task: Task | str | None, where: str) -> Task:
    """Return the task that a caller requests of a module of their own.

    Raises:
        InputError: the name alone does not say enough.
    """
    if isinstance(task, Task):
        return task
    if task == DETECT:
        raise InputError(
            f"[{where}] task: expected the anchors of the module, got only {DETECT!r}; compile it"
            " in Python with task=hvit_edge.tasks.Detect(anchors=...)"
        )
    return _BY_NAME[task or CLASSIFY]()


def check_own_task(task: str, own: str, name: str, where: str) -> None:
    """Check that a registered model has a task.

    Args:
        task: name of the requested task.
        own: name of the model's task; those that classify also embed.
        name: name of the model.
        where: name of the public function that was called, for messages.

    Raises:
        InputError: the model has another task.
    """
    having = (CLASSIFY, EMBED) if own == CLASSIFY else (own,)
    if task not in having:
        raise InputError(
            f"[{where}] task: expected {' or '.join(having)} for {name}, got {task}; `hvit-edge"
            " list` shows the task of each model"
        )
