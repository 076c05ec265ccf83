"""Write the fields of an artifact that depend on its task."""

from __future__ import annotations

import numpy as np

from hvit_edge.artifact.metadata import Metadata
from hvit_edge.tasks import Detect
from hvit_edge.tasks.names import CLASSIFY, EMBED, SEGMENT, TENSOR


def task_fields(metadata: Metadata) -> dict[str, object]:
    """Return the fields of a task by name: strings, numbers and lists of numbers."""
    if metadata.task == CLASSIFY:
        return {}
    written: dict[str, object] = {"hve_task": metadata.task}
    if metadata.task == TENSOR:
        written["hve_input_names"] = "\n".join(metadata.input_names)
    written["hve_output_names"] = "\n".join(metadata.output_names)
    if metadata.task == EMBED:
        written["hve_normalize"] = metadata.normalize
    if metadata.task == SEGMENT:
        written["hve_colors"] = "\n".join(metadata.colors)
    if metadata.detect is not None:
        written |= _detect_fields(metadata.detect)
    return written


def task_arrays(metadata: Metadata) -> dict[str, np.ndarray]:
    """Return the arrays of a task by name, besides the golden sample."""
    return {} if metadata.detect is None else {"hve_anchors": metadata.detect.anchors}


def _detect_fields(spec: Detect) -> dict[str, object]:
    return {
        "hve_variances": list(spec.variances),
        "hve_score_threshold": float(spec.score_threshold),
        "hve_iou_threshold": float(spec.iou_threshold),
        "hve_candidates": spec.candidates,
        "hve_max_detections": spec.max_detections,
    }
