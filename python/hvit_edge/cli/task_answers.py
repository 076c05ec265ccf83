"""Write the answers of the tasks embed, segment and detect as JSON and as text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hvit_edge.cli import text
from hvit_edge.tasks.names import DETECT, EMBED, SEGMENT

SHOWN = 8
"""Number of elements of an embedding that are shown; JSON has all."""


def written(task: str, answer: Any, size: tuple[int, int]) -> dict[str, object]:
    """Return an answer as plain values for JSON.

    Args:
        task: the task.
        answer: what `Embedder`, `Segmenter` or `Detector` returned.
        size: (height, width) of the photo in pixels.
    """
    return _WRITTEN[task](answer, size)


def shown(task: str, answer: Any, threshold: float) -> list[str]:
    """Return an answer as lines of text; `threshold` is the score of the objects in it."""
    return _SHOWN[task](answer, threshold)


def _embedding(answer: Any, size: tuple[int, int]) -> dict[str, object]:
    return {"embedding": answer.tolist()}


def _segments(answer: Any, size: tuple[int, int]) -> dict[str, object]:
    return {"size": list(size), "segments": [_segment(answer, i) for i in _areas(answer)]}


def _areas(answer: Any) -> list[int]:
    """Return the classes of a mask, that of the largest area first."""
    values, counts = np.unique(answer.classes, return_counts=True)
    return values[np.argsort(-counts, kind="stable")].tolist()


def _segment(mask: Any, index: int) -> dict[str, object]:
    from hvit_edge.answers import run_length

    own = mask.classes == index
    return {
        "label": mask.labels[index],
        "index": index,
        "color": mask.colors[index],
        "area": int(own.sum()),
        "segmentation": run_length(own),
    }


def _detections(answer: Any, size: tuple[int, int]) -> dict[str, object]:
    found = [
        {
            "label": one.label,
            "index": one.index,
            "score": one.score,
            "bbox": [one.x, one.y, one.width, one.height],
        }
        for one in answer
    ]
    return {"size": list(size), "detections": found}


def _show_embedding(answer: Any, threshold: float) -> list[str]:
    vector = answer
    first = " ".join(f"{value:.4f}" for value in vector[:SHOWN].tolist())
    more = " ..." if len(vector) > SHOWN else ""
    return [f"  {len(vector)} values, length {np.linalg.norm(vector):.4f}: {first}{more}"]


def _show_segments(answer: Any, threshold: float) -> list[str]:
    share = {i: float(np.mean(answer.classes == i)) for i in _areas(answer)}
    return [f"  {text.percent(part):>8}  {answer.labels[i]}" for i, part in share.items()]


def _show_detections(answer: Any, threshold: float) -> list[str]:
    if not answer:
        return [f"  no object with a score above {threshold:g}"]
    rows = [
        (
            text.percent(one.score),
            one.label,
            f"{one.width:.1f} x {one.height:.1f}",
            f"at {one.x:.1f}, {one.y:.1f}",
        )
        for one in answer
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return [
        f"  {score:>8}  {label:<{widths[1]}}  {size:>{widths[2]}}  {place}".rstrip()
        for score, label, size, place in rows
    ]


_WRITTEN: dict[str, Callable[[Any, tuple[int, int]], dict[str, object]]] = {
    EMBED: _embedding,
    SEGMENT: _segments,
    DETECT: _detections,
}
_SHOWN: dict[str, Callable[[Any, float], list[str]]] = {
    EMBED: _show_embedding,
    SEGMENT: _show_segments,
    DETECT: _show_detections,
}
