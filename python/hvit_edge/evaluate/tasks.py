"""Evaluate an artifact that embeds, segments or detects on annotated images."""

from __future__ import annotations

from pathlib import Path

from hvit_edge import progress as progress_bars
from hvit_edge.annotations import open_boxes, open_labeled, open_masks
from hvit_edge.devices import LOCAL
from hvit_edge.devices.open_task import open_task
from hvit_edge.errors import InputError
from hvit_edge.evaluate.boxes import measure_detections
from hvit_edge.evaluate.embeddings import measure_embeddings
from hvit_edge.evaluate.masks import measure_masks
from hvit_edge.evaluate.on_ray import check_local, spread_answers
from hvit_edge.evaluate.task_answers import Answering
from hvit_edge.evaluate.task_report import DetectReport, EmbedReport, SegmentReport
from hvit_edge.measures.coco_map import check_installed
from hvit_edge.ray.cluster import Cluster
from hvit_edge.tasks.names import DETECT, EMBED, SEGMENT


def evaluate_task(
    artifact_path: str | Path,
    data: str | Path,
    *,
    limit: int | None = None,
    threads: int = 0,
    split: str | None = None,
    images: str | Path | None = None,
    eager: Answering | None = None,
    progress: progress_bars.Wrap = progress_bars.silent,
    device: str = LOCAL,
    method: str = "",
    cluster: Cluster | None = None,
) -> EmbedReport | SegmentReport | DetectReport:
    """Answer annotated images with the C++ runtime, and measure the answers.

    Args:
        artifact_path: a `.pte` or `.mlpackage` of the task "embed", "segment" or "detect".
        data: for "embed" a folder with one subfolder per class, or an NPZ file; for "segment" a
            folder in the layout of Pascal VOC; for "detect" a JSON file of COCO. See
            `hvit_edge.annotations`.
        limit: answer at most this many images, spread evenly over the set.
        threads: number of threads; 0 lets the runtime choose.
        split: for "segment", the name of a list of photos.
        images: for "detect", the folder of the photos.
        eager: the same answers by PyTorch, see `task_answers.eager_answers`; compared image by
            image.
        progress, device: see `accuracy.evaluate`.
        method: must be empty.
        cluster: a Ray cluster that answers the images instead of this process; the report is the
            same.

    Returns:
        The report of the task.

    Raises:
        InputError: the data is not as described, does not fit the network, or an option is not for
            the task.
        ArtifactError: the artifact cannot be used.
        ParityError: the runtime or `eager` returns NaN or infinity.
        DeviceError: the device cannot be reached, or was lost.
    """
    opened = open_task(artifact_path, threads=threads, device=device, method=method)
    metadata = opened.metadata
    _check_options(metadata.task, split, images)
    named = {"artifact": str(artifact_path), "backend": opened.backend}
    shared = {"eager": eager, "progress": progress, **named}
    if cluster is not None:
        check_local("evaluate", device)
        shared["spread"] = spread_answers(cluster, artifact_path, eager)
    if metadata.task == EMBED:
        labeled, names = open_labeled(data)
        return measure_embeddings(opened, labeled.take(limit), names, **shared)
    classes = opened.classes
    if metadata.task == SEGMENT:
        masks = open_masks(data, classes=classes, split=split).take(limit)
        return measure_masks(opened, masks, classes=classes, labels=metadata.labels, **shared)
    check_installed("evaluate")
    labels = dict(enumerate(metadata.labels, start=1))
    boxes = open_boxes(data, labels=labels, classes=classes + 1, images=images).take(limit)
    return measure_detections(opened, boxes, classes=classes + 1, labels=metadata.labels, **shared)


def _check_options(task: str, split: object, images: object) -> None:
    for option, given, own in (
        ("--split (split=)", split, SEGMENT),
        ("--images (images=)", images, DETECT),
    ):
        if given is not None and task != own:
            raise InputError(
                f"[evaluate] {option}: expected an artifact of the task {own}, got one of the task"
                f" {task}; leave it out"
            )
