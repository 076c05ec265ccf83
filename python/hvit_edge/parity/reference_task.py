"""Find the module of an artifact that embeds, segments or detects."""

from __future__ import annotations

from pathlib import Path

from hvit_edge.artifact.metadata import Metadata
from hvit_edge.parity.reference import Given, reference_model
from hvit_edge.runtime import Session
from hvit_edge.tasks.names import EMBED
from hvit_edge.tensors.task_module import TaskModule


def reference_function(
    metadata: Metadata, classes: int | None, given: Given, artifact: str | Path
) -> TaskModule:
    """Return the module of an artifact as a function from a photo to the outputs of its task.

    Args:
        metadata: that of the artifact.
        classes: number of classes of its network; None for an embedding, whose network has those
            of its weights.
        given: the module or weights from the caller.
        artifact: the file.

    Raises:
        InputError: see `reference_model`.
    """
    wanted = None if metadata.task == EMBED else classes
    model = reference_model(metadata, wanted, given, artifact=artifact)
    return TaskModule(model, metadata.photo_task)


def reference_task(artifact: str | Path, given: Given) -> tuple[Metadata, TaskModule]:
    """Return the metadata of an artifact, and its module as a function.

    Args:
        artifact: a `.pte` of the task "embed", "segment" or "detect".
        given: the module or weights from the caller.

    Raises:
        InputError, ArtifactError: see `reference_function` and `runtime.Session`.
    """
    from hvit_edge.devices.open_task import class_count

    session = Session(artifact, prepare=False)
    classes = class_count(session.metadata.task, session.outputs[0].shape)
    return session.metadata, reference_function(session.metadata, classes, given, artifact)
