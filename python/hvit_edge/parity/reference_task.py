"""Find the module of an artifact that embeds, segments or detects."""

from __future__ import annotations

from pathlib import Path

from hvit_edge.artifact.kinds import is_package
from hvit_edge.artifact.metadata import Metadata
from hvit_edge.devices.open_task import class_count
from hvit_edge.parity.reference import Given, reference_model
from hvit_edge.runtime import Session
from hvit_edge.tasks.names import DETECT, EMBED
from hvit_edge.tensors.task_module import TaskModule


def reference_function(
    metadata: Metadata, classes: int | None, given: Given, artifact: str | Path
) -> TaskModule:
    """Return the module of an artifact as a function from a photo to the outputs of its task.

    Args:
        metadata: that of the artifact.
        classes: number of classes, see `open_task.class_count`; a classifier that embeds has those
            of its weights.
        given: the module or weights from the caller.
        artifact: the file.

    Raises:
        InputError: see `reference_model`.
    """
    wanted = None if metadata.task == EMBED else classes
    if metadata.task == DETECT and classes is not None:
        wanted = classes + 1  # with the background
    model = reference_model(metadata, wanted, given, artifact=artifact)
    return TaskModule(model, metadata.photo_task)


def reference_task(artifact: str | Path, given: Given) -> tuple[Metadata, TaskModule]:
    """Return the metadata of an artifact, and its module as a function.

    Args:
        artifact: a `.pte` or `.mlpackage` of the task "embed", "segment" or "detect".
        given: the module or weights from the caller.

    Raises:
        InputError, ArtifactError: see `reference_function` and `runtime.Session`.
    """
    if is_package(artifact):
        from hvit_edge.coreml.photo_package import PhotoPackage

        opened = PhotoPackage(artifact)
        metadata, shape = opened.metadata, opened.specs[0].shape
    else:
        session = Session(artifact, prepare=False)
        metadata, shape = session.metadata, session.outputs[0].shape
    classes = class_count(metadata.task, shape)
    return metadata, reference_function(metadata, classes, given, artifact)
