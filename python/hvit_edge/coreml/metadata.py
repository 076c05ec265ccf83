"""Write and read hvit-edge's metadata in a package: the fields of docs/artifact.md as strings.

The names are those of the constant methods of a `.pte`. As in a `.pte`, lists of numbers are JSON,
and lists of strings have one item a line. `golden_strings.py` has the form of arrays. The golden
photo has the size of the program's input.
"""

from __future__ import annotations

import binascii
import json
from collections.abc import Mapping
from typing import Any

from hvit_edge.artifact.container import AnyGolden, fields
from hvit_edge.artifact.metadata import (
    CLASSIFY,
    SCHEMA_VERSION,
    SOURCES,
    TENSOR,
    TENSOR_SCHEMA_VERSION,
    Difference,
    Metadata,
)
from hvit_edge.artifact.task_fields import task_arrays
from hvit_edge.coreml.golden_strings import array_string, golden_strings, read_array, read_golden
from hvit_edge.errors import ArtifactError, HvitEdgeError
from hvit_edge.preprocess import Preprocess
from hvit_edge.tasks import Detect, Embed, Segment
from hvit_edge.tasks.names import DETECT, EMBED, PHOTO_TASKS, SEGMENT

ANCHORS = "hve_anchors"
VERSIONS = {task: TENSOR_SCHEMA_VERSION for task in (*PHOTO_TASKS, TENSOR)} | {
    CLASSIFY: SCHEMA_VERSION
}


def write_metadata(metadata: Metadata, golden: AnyGolden) -> dict[str, str]:
    """Return the user-defined metadata of a package.

    Args:
        metadata: all of its fields except `layers` are written.
        golden: the golden sample; `image` is uint8 [H, W, 3] at the size of the program's input.
    """
    plain = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in fields(metadata).items()
    }
    arrays = {name: array_string(array) for name, array in task_arrays(metadata).items()}
    return {**plain, **arrays, **golden_strings(golden)}


def read_metadata(strings: Mapping[str, str]) -> tuple[Metadata, AnyGolden]:
    """Return the metadata that `write_metadata` wrote, and the golden sample of its task.

    Raises:
        ArtifactError: the package is not from hvit-edge, is too new, or has a damaged field.
    """
    if "hve_schema_version" not in strings:
        raise ArtifactError(
            "[package] expected a package that hvit-edge compiled, got one without its metadata;"
            " compile the model with --target coreml (target='coreml')"
        )
    try:
        version = json.loads(strings["hve_schema_version"])
        task = strings.get("hve_task", CLASSIFY)
        if VERSIONS.get(task) != version:
            of_task = f" of the task {task}" if task != CLASSIFY else ""
            raise ArtifactError(
                f"[package] expected schema version {VERSIONS.get(task, SCHEMA_VERSION)}, got"
                f" {version}{of_task};"
                " install the hvit-edge that wrote it, or compile the model again"
            )
        metadata = _metadata(strings)
        return metadata, read_golden(strings, metadata)
    except (KeyError, ValueError, TypeError, OSError, binascii.Error, HvitEdgeError) as error:
        if isinstance(error, ArtifactError):
            raise
        raise ArtifactError(
            f"[package] expected complete metadata, got a damaged field ({error});"
            " compile the model again"
        ) from error


def _metadata(strings: Mapping[str, str]) -> Metadata:
    max_abs, max_rel, cosine, top1 = json.loads(strings["hve_parity"])
    task = strings.get("hve_task", CLASSIFY)
    takes_photos = task in PHOTO_TASKS
    labels, versions = strings["hve_labels"] if takes_photos else "", strings["hve_versions"]
    return Metadata(
        schema_version=json.loads(strings["hve_schema_version"]),
        model_name=strings["hve_model_name"],
        target=strings["hve_target"],
        precision=strings["hve_precision"],
        created=strings["hve_created"],
        weights_source=strings["hve_weights_source"],
        weights_sha256=strings["hve_weights_sha256"],
        versions=dict(line.split("=", 1) for line in versions.splitlines()),
        labels=tuple(labels.split("\n")) if labels else (),
        preprocess=_preprocess(strings) if takes_photos else None,
        parity=Difference(max_abs, max_rel, cosine, bool(top1)),
        golden_tolerance=json.loads(strings["hve_golden_tolerance"]),
        task=task,
        input_names=tuple(strings.get("hve_input_names", "").splitlines()),
        output_names=tuple(strings.get("hve_output_names", "").splitlines()),
        **_of_task(strings, task),
        **{key: strings.get(name, "") for key, name in SOURCES.items()},
    )


def _of_task(strings: Mapping[str, str], task: str) -> dict[str, Any]:
    """Return the fields that only one task has."""
    if task == EMBED:
        return {"normalize": Embed(strings["hve_normalize"]).normalize}
    if task == SEGMENT:
        return {"colors": Segment(strings["hve_colors"].splitlines()).colors}
    return {"detect": _detect(strings)} if task == DETECT else {}


def _detect(strings: Mapping[str, str]) -> Detect:
    return Detect(
        read_array(strings[ANCHORS]),
        variances=tuple(json.loads(strings["hve_variances"])),
        score_threshold=json.loads(strings["hve_score_threshold"]),
        iou_threshold=json.loads(strings["hve_iou_threshold"]),
        candidates=json.loads(strings["hve_candidates"]),
        max_detections=json.loads(strings["hve_max_detections"]),
    )


def _preprocess(strings: Mapping[str, str]) -> Preprocess:
    return Preprocess(
        tuple(json.loads(strings["hve_input_size"])),
        resize=strings["hve_resize"],
        resize_size=json.loads(strings["hve_resize_size"]),
        interpolation=strings["hve_interpolation"],
        mean=tuple(json.loads(strings["hve_mean"])),
        std=tuple(json.loads(strings["hve_std"])),
        channel_order=strings["hve_channel_order"],
    )
