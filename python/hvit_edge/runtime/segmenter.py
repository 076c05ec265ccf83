"""Segment photos with Segmenter, which uses the C++ runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from hvit_edge.boundary.public import public_methods
from hvit_edge.runtime.binding import cpp
from hvit_edge.runtime.classifier import as_pixels
from hvit_edge.runtime.mask import Mask
from hvit_edge.runtime.photo_task import PhotoTask
from hvit_edge.tasks import colors_of


@public_methods("__call__")
class Segmenter(PhotoTask):
    """Finds the class of each pixel with an artifact of the task "segment"; see PhotoTask.

    A model of more than 256 classes is refused; Session returns its logits.
    """

    _native_class = cpp.Segmenter

    def __call__(
        self, image: str | Path | Image.Image | np.ndarray, *, confidence: bool = False
    ) -> Mask:
        """Segment one photo.

        The logits are interpolated bilinearly to the size of the photo, as by
        `torch.nn.functional.interpolate` with `align_corners=False`. The largest one decides, and
        of equal ones the first.

        Args:
            image: the path of a file, a PIL image, or a uint8 array [height, width, 3] in RGB. EXIF
                rotation is applied to files and PIL images, and the mask is that of the upright
                photo.
            confidence: also compute the softmax probability of each pixel's class.

        Raises:
            InputError: the file cannot be read, or the array is wrong.
            ArtifactError: the model returned a value that is not finite.
        """
        pixels = as_pixels(image)
        with self._lock:
            classes, shares = self._native.segment(pixels, bool(confidence))
        return Mask(classes, shares, self.labels, self.colors)

    @property
    def classes(self) -> int:
        """Return the number of classes, with the background."""
        return self.session.outputs[0].shape[1]

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the label of each class; "class 17" if the artifact has none."""
        return tuple(map(self._native.label, range(self.classes)))

    @property
    def colors(self) -> tuple[str, ...]:
        """Return the color of each class, `#rrggbb`: the artifact's, or those of Pascal VOC."""
        return colors_of(self.classes, self.metadata.colors)
