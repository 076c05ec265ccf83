"""Classify photos with Classifier, which uses the C++ runtime."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from hvit_edge.artifact.metadata import Metadata
from hvit_edge.boundary.public import public_methods
from hvit_edge.errors import InputError
from hvit_edge.images.load_image import load_image, rgb_of
from hvit_edge.runtime.binding import cpp
from hvit_edge.runtime.session import (
    SelfTest,
    Session,
    method_name,
    path_text,
    thread_count,
    whole_number,
)


@dataclass(frozen=True)
class Prediction:
    """Holds a class: its label ("class 17" without labels), index and softmax probability."""

    label: str
    index: int
    score: float


@public_methods("__init__", "__call__", "logits", "self_test")
class Classifier:
    """Classifies photos with an artifact.

    Args:
        path: an artifact written by `hvit_edge.compile`.
        threads: see Session.
        method: the method to run, one of `metadata.methods`. Empty lets each photo choose: the one
            whose aspect ratio crops the least of the photo, and of several the first. One method is
            loaded at a time.

    Attributes:
        session: the Session that runs the artifact; it describes the method that ran last.
        backend: name of the runtime.

    Raises:
        InputError: see Session.
        ArtifactError: see Session; or the artifact is not a classifier.
    """

    backend = "C++ runtime"

    def __init__(self, path: str | Path, *, threads: int = 0, method: str = "") -> None:
        started = time.perf_counter()
        self._native = cpp.Classifier(path_text(path), thread_count(threads), method_name(method))
        self._lock = threading.Lock()
        seconds = time.perf_counter() - started
        self.session = Session._of(self._native.session, path, seconds, self._lock)

    def __call__(
        self, image: str | Path | Image.Image | np.ndarray, top_k: int = 5
    ) -> list[Prediction]:
        """Classify one photo.

        Args:
            image: the path of a file, a PIL image, or a uint8 array [height, width, 3] in RGB. EXIF
                rotation is applied to files and PIL images.
            top_k: number of classes to return; all classes if the model has fewer.

        Returns:
            Predictions, most probable first.

        Raises:
            InputError: the file cannot be read, the array is wrong, or top_k is below 1.
        """
        pixels = as_pixels(image)
        with self._lock:
            found = self._native.classify(pixels, whole_number(top_k, "Classifier", "top_k"))
            self._follow()
        return [Prediction(p.label, p.index, p.score) for p in found]

    def logits(self, image: str | Path | Image.Image | np.ndarray) -> np.ndarray:
        """Return the raw outputs for one photo, float32 [1, classes]; `image` as in `__call__`."""
        pixels = as_pixels(image)
        with self._lock:
            logits = self._native.logits(pixels)
            self._follow()
        return logits

    def _follow(self) -> None:
        """Let the session describe the method that the last photo chose."""
        if self._native.session.metadata.method != self.session.metadata.method:
            self.session._describe()

    def self_test(self) -> SelfTest:
        """Run the self test, see `Session.self_test`."""
        return self.session.self_test()

    @property
    def metadata(self) -> Metadata:
        """Return the metadata of the artifact."""
        return self.session.metadata

    @property
    def classes(self) -> int:
        """Return the number of classes of the network."""
        return self.session.outputs[0].shape[-1]


def as_pixels(image: str | Path | Image.Image | np.ndarray) -> np.ndarray:
    """Return a photo, as callers give it, as an array.

    Raises:
        InputError: it is not a path, a PIL image or an array, or it cannot be read.
    """
    if isinstance(image, (str, os.PathLike)):
        return load_image(image)
    if isinstance(image, Image.Image):
        return _rgb(image)
    if isinstance(image, np.ndarray):
        return image
    raise InputError(
        f"[image] expected a path, a PIL image or an array, got {type(image).__name__};"
        " open the photo with PIL.Image.open"
    )


def _rgb(image: Image.Image) -> np.ndarray:
    if image.mode.startswith("I") or image.mode == "F":
        raise InputError(
            f"[image] expected an image with 8 bits per channel, got mode {image.mode};"
            " pass the path of the file, or scale the values to 0..255"
        )
    return rgb_of(image)
