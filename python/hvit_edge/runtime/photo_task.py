"""Run artifacts whose input is a photo: what Embedder, Segmenter and Detector share."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from PIL import Image

from hvit_edge.artifact.metadata import Metadata
from hvit_edge.boundary.public import public_methods
from hvit_edge.runtime.classifier import as_pixels
from hvit_edge.runtime.session import SelfTest, Session, path_text, thread_count


@public_methods("__init__", "outputs", "self_test")
class PhotoTask:
    """Runs an artifact on photos. Calls from several threads run one after the other.

    Args:
        path: an artifact of the task of the class.
        threads: see Session.

    Attributes:
        session: the Session that runs the artifact.
        backend: name of the runtime.

    Raises:
        InputError: see Session.
        ArtifactError: see Session; or the artifact has another task, which the message names.
    """

    backend = "C++ runtime"
    _native_class: ClassVar[Any]

    def __init__(self, path: str | Path, *, threads: int = 0) -> None:
        started = time.perf_counter()
        self._native = self._native_class(path_text(path), thread_count(threads))
        self._lock = threading.Lock()
        seconds = time.perf_counter() - started
        self.session = Session._of(self._native.session, path, seconds, self._lock)

    def outputs(self, image: str | Path | Image.Image | np.ndarray) -> list[np.ndarray]:
        """Return the raw outputs for one photo, an array for each of `session.outputs`."""
        pixels = as_pixels(image)
        with self._lock:
            outputs: list[np.ndarray] = self._native.outputs(pixels)
        return outputs

    def self_test(self) -> SelfTest:
        """Run the self test, see `Session.self_test`."""
        return self.session.self_test()

    @property
    def metadata(self) -> Metadata:
        """Return the metadata of the artifact."""
        return self.session.metadata
