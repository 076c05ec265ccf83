"""Answer photos of a Ray Data pipeline with an artifact.

import ray
from hvit_edge.ray import Predictor

photos = ray.data.read_binary_files("s3://bucket/photos", include_paths=True)
answers = photos.map_batches(
Predictor, fn_constructor_args=["cat.pte"], fn_constructor_kwargs={"column": "bytes"},
concurrency=8, num_cpus=1, batch_size=32,
)
answers.drop_columns(["bytes"]).write_parquet("answers")
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from hvit_edge.artifact.kinds import is_package
from hvit_edge.boundary.public import public_methods
from hvit_edge.errors import InputError
from hvit_edge.images.load_image import decode_image
from hvit_edge.runtime import Classifier, Detector, Embedder, Segmenter, Session, as_pixels
from hvit_edge.tasks.names import CLASSIFY, DETECT, EMBED, SEGMENT

Batch = dict[str, Any]
OPENED: dict[str, Callable[..., Any]] = {
    CLASSIFY: Classifier,
    EMBED: Embedder,
    SEGMENT: Segmenter,
    DETECT: Detector,
}


@public_methods("__init__", "__call__")
class Predictor:
    """Maps batches of photos to the same batches with columns for the answers.

    It is a callable class for `ray.data.Dataset.map_batches` with `batch_format="numpy"`, the
    default, but needs no Ray itself. Each actor has its own Session.

    The columns of a task are added, and those of the batch kept:

        classify   label (str), index (int), score (float): the first class
        embed      embedding, float32 [size]
        segment    mask, uint8 [height, width] of the photo: the class of each pixel
        detect     boxes, a list of dicts: label, index, score, x, y, width, height

    The column `error` says why a photo could not be read; it is empty for the others. The answer
    for such a photo is index -1 and a score of NaN, an embedding of NaN, an empty mask, or no box.

    Args:
        artifact: a `.pte` of one of these tasks, at the same path on every node.
        column: the column of the photos: bytes of image files, paths, or uint8 arrays [height,
            width, 3] in RGB.
        threads: number of threads; give each actor as many cores (`num_cpus=`).

    Raises:
        InputError: there is no such file, it is a package, or it has another task; or, in a call,
            there is no such column.
        ArtifactError: the artifact is damaged, not from hvit-edge, or too new.
    """

    def __init__(self, artifact: str | Path, *, column: str = "image", threads: int = 1) -> None:
        if is_package(artifact):
            raise InputError(
                f"[Predictor] expected a .pte file, got the package {artifact}; use coremltools on"
                " a Mac"
            )
        self.task = Session(artifact, prepare=False).metadata.task
        if self.task not in OPENED:
            raise InputError(
                f"[Predictor] expected an artifact of the task {', '.join(OPENED)}, got one of the"
                f" task {self.task}; call Session in a function of your own"
            )
        self._opened = OPENED[self.task](artifact, threads=threads)
        self._column = column

    def __call__(self, batch: Batch) -> Batch:
        """Return the batch with the columns of the answers."""
        if self._column not in batch:
            raise InputError(
                f"[Predictor] expected a column {self._column!r}, got {', '.join(batch)}; name the"
                " one of the photos with column="
            )
        answers, errors = [], []
        for photo in batch[self._column]:
            try:
                answers.append(self._answer(_pixels(photo)))
                errors.append("")
            except InputError as error:
                answers.append(None)
                errors.append(str(error))
        return {**batch, **self._columns(answers), "error": np.array(errors, np.str_)}

    def _answer(self, pixels: np.ndarray) -> Any:
        if self.task == CLASSIFY:
            return self._opened(pixels, top_k=1)[0]
        return self._opened(pixels)

    def _columns(self, answers: Sequence[Any]) -> Batch:
        """Return the answers as columns; None is that of a photo that could not be read."""
        if self.task == CLASSIFY:
            return {
                "label": np.array(["" if a is None else a.label for a in answers], np.str_),
                "index": np.array([-1 if a is None else a.index for a in answers], np.int64),
                "score": np.array([np.nan if a is None else a.score for a in answers]),
            }
        if self.task == EMBED:
            empty = np.full(self._opened.session.outputs[0].shape[-1], np.nan, np.float32)
            return {"embedding": np.array([empty if a is None else a for a in answers])}
        if self.task == SEGMENT:
            nothing: np.ndarray = np.zeros((0, 0), np.uint8)
            return {"mask": _objects([nothing if a is None else a.classes for a in answers])}
        return {"boxes": _objects([[asdict(box) for box in a or ()] for a in answers])}


def _pixels(photo: Any) -> np.ndarray:
    """Return a photo as uint8 RGB [height, width, 3]."""
    if isinstance(photo, (bytes, bytearray, memoryview)):
        return decode_image(io.BytesIO(photo), "a photo of the batch")
    return as_pixels(str(photo) if isinstance(photo, np.str_) else photo)


def _objects(values: Sequence[Any]) -> np.ndarray:
    """Return an array of any objects, one for each value."""
    column: np.ndarray = np.empty(len(values), object)
    for place, value in enumerate(values):
        column[place] = value
    return column
