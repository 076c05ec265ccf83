"""Read calibration images and check that they are real, varied and enough."""

from __future__ import annotations

import warnings
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch

from hvit_edge.datasets import ImageSet, Sample, Skipped, open_images
from hvit_edge.errors import InputError
from hvit_edge.images.file_names import printable
from hvit_edge.precision import FEWEST_IMAGES
from hvit_edge.preprocess import Preprocess, load_image
from hvit_edge.progress import Wrap, silent
from hvit_edge.weights import bundled_photos

ADVISED = 128
NOISE_CORRELATION = 0.15
NOISE_SHARE = 0.5


CalibrationInput = np.ndarray | tuple[np.ndarray, ...]
"""An input that a graph is calibrated on: a photo, or one array for each input of the graph."""


@dataclass(frozen=True)
class Calibration:
    """Holds the inputs that a graph is calibrated on.

    Attributes:
        inputs: preprocessed float32 arrays [1, 3, height, width]. If a module has several inputs,
            or one that is not a photo, each item is a tuple of arrays.
        skipped: the images that could not be read, and why.
        notices: what a user should know, one sentence each; also sent to `warnings`.
        images: the number of images, if `inputs` are batches of them; otherwise 0.
    """

    inputs: tuple[CalibrationInput, ...]
    skipped: tuple[Skipped, ...] = ()
    notices: tuple[str, ...] = ()
    images: int = 0

    def in_batches(self, batch: int) -> Calibration:
        """Return the same photos in batches of this size; the last one begins again if needed."""
        if batch == 1:
            return self
        photos = [*self.inputs, *self.inputs[: -len(self.inputs) % batch]]
        joined = (np.concatenate(photos[i : i + batch]) for i in range(0, len(photos), batch))
        return replace(self, inputs=tuple(joined), images=len(self.inputs))

    def to_dict(self) -> dict[str, object]:
        """Return the number of images, the skipped images and the notices, as in reports."""
        return {
            "images": self.images or len(self.inputs),
            "skipped": [asdict(image) for image in self.skipped],
            "notices": list(self.notices),
        }


def sample_tensors(sample: CalibrationInput) -> tuple[torch.Tensor, ...]:
    """Return an item of `Calibration.inputs` as the tensors that a graph reads."""
    arrays = sample if isinstance(sample, tuple) else (sample,)
    return tuple(torch.from_numpy(array) for array in arrays)


def calibration_inputs(
    data: str | Path,
    preprocess: Preprocess,
    *,
    samples: int = 512,
    seed: int = 0,
    progress: Wrap = silent,
) -> Calibration:
    """Read and check calibration images, in a fixed order.

    Args:
        data: an image folder or NPZ file, as for `open_images`.
        preprocess: the artifact's preprocessing.
        samples: the largest number of images to take.
        seed: chooses the images of a larger set; the same seed chooses the same images.
        progress: wraps the loop over the images.

    Raises:
        InputError: fewer than 32 images are usable; images are constant, mostly random noise, or
            not finite after preprocessing; or `open_images` refuses the path.
    """
    if samples < FEWEST_IMAGES:
        raise InputError(f"[calibration] samples: expected at least {FEWEST_IMAGES}, got {samples}")
    images = open_images(data)
    chosen = np.random.default_rng(seed).permutation(len(images))[:samples]
    wanted = {images.names[index] for index in chosen}
    inputs, noisy, faults, refused = [], 0, [], []
    for sample in progress(images, len(images)):
        if sample.name not in wanted:
            continue
        try:
            array = preprocess(sample.image)
        except InputError as error:  # the preprocessing cannot resize a photo of this shape
            refused.append(Skipped(sample.name, str(error)))
            continue
        faults += _faults(sample, array)
        noisy += neighbor_correlation(sample.image) < NOISE_CORRELATION
        inputs.append(array)
    images.skipped = [item for item in images.skipped if item.name in wanted] + refused
    skipped = tuple(images.skipped)
    _check(data, len(inputs), noisy, faults, skipped)
    notices = _notices(data, len(inputs), images)
    for notice in notices:
        warnings.warn(notice, stacklevel=2)
    return Calibration(tuple(inputs), skipped, notices)


def bundled_calibration(preprocess: Preprocess, *, count: int = 64) -> Calibration:
    """Return windows of the bundled photos, always the same, for use if no images are given.

    Args:
        preprocess: the artifact's preprocessing.
        count: the number of windows; their sides are 0.4 to 1 times the photo's shorter side.
    """
    photos = [load_image(path) for path in bundled_photos()]
    rng = np.random.default_rng(0)
    inputs = []
    for index in range(count):
        photo = photos[index % len(photos)]
        side = int(rng.uniform(0.4, 1.0) * min(photo.shape[:2]))
        top, left = (int(rng.integers(0, size - side + 1)) for size in photo.shape[:2])
        inputs.append(preprocess(photo[top : top + side, left : left + side]))
    return Calibration(tuple(inputs))


def neighbor_correlation(image: np.ndarray) -> float:
    """Return the correlation of horizontally adjacent pixels: near 1 in photos, near 0 in noise."""
    gray = image.astype(np.float64).mean(-1)
    left, right = gray[:, :-1].ravel(), gray[:, 1:].ravel()
    left, right = left - left.mean(), right - right.mean()
    norm = float(np.sqrt((left**2).sum() * (right**2).sum()))
    return float((left * right).sum()) / norm if norm else 1.0


def _faults(sample: Sample, array: np.ndarray) -> list[str]:
    if not np.isfinite(array).all():
        return [f"{printable(sample.name)} (NaN or infinity after preprocessing)"]
    if sample.image.min() == sample.image.max():
        return [f"{printable(sample.name)} (only one color)"]
    return []


def _check(
    data: str | Path, usable: int, noisy: int, faults: list[str], skipped: tuple[Skipped, ...]
) -> None:
    if usable < FEWEST_IMAGES:
        unread = f" and {len(skipped)} unreadable ones" if skipped else ""
        raise InputError(
            f"[calibration] {printable(data)}: expected at least {FEWEST_IMAGES} images, got"
            f" {usable}{unread}; take {ADVISED} to 512 of the kind that the model will see"
        )
    if faults:
        more = f" and {len(faults) - 5} more" if len(faults) > 5 else ""
        raise InputError(
            f"[calibration] {printable(data)}: expected photos, got {', '.join(faults[:5])}{more};"
            " remove them: ranges taken from them are wrong"
        )
    if noisy > NOISE_SHARE * usable:
        raise InputError(
            f"[calibration] {printable(data)}: expected photos, got random noise in {noisy} of"
            f" {usable} images (adjacent pixels differ too much); take images of the"
            " kind that the model will see"
        )


def _notices(data: str | Path, usable: int, images: ImageSet) -> tuple[str, ...]:
    few = (
        f"[calibration] {printable(data)}: expected {ADVISED} images or more, got {usable};"
        " ranges may be too narrow"
    )
    return (*([few] if usable < ADVISED else []), *images.notices("calibration"))
