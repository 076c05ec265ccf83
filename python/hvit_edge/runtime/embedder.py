"""Embed photos with Embedder, which uses the C++ runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from hvit_edge.boundary.public import public_methods
from hvit_edge.runtime.binding import cpp
from hvit_edge.runtime.classifier import as_pixels
from hvit_edge.runtime.photo_task import PhotoTask


@public_methods("__call__")
class Embedder(PhotoTask):
    """Maps photos to vectors with an artifact of the task "embed"; see PhotoTask."""

    _native_class = cpp.Embedder

    def __call__(self, image: str | Path | Image.Image | np.ndarray) -> np.ndarray:
        """Return the vector of one photo.

        Args:
            image: the path of a file, a PIL image, or a uint8 array [height, width, 3] in RGB. EXIF
                rotation is applied to files and PIL images.

        Returns:
            float32 [size]. If `metadata.normalize` is "l2", its L2 norm is 1, so that the cosine of
            two photos is the dot product of their vectors.

        Raises:
            InputError: the file cannot be read, or the array is wrong.
            ArtifactError: the model returned a value that is not finite.
        """
        pixels = as_pixels(image)
        with self._lock:
            vector: np.ndarray = self._native.embed(pixels)
        return vector

    @property
    def size(self) -> int:
        """Return the number of elements of a vector."""
        return self.session.outputs[0].shape[-1]
