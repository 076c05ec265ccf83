"""Classify photos with an artifact on a device, with the interface of `runtime.Classifier`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from hvit_edge.artifact.kinds import check_classifies, is_package
from hvit_edge.artifact.metadata import Metadata
from hvit_edge.devices.open_artifact import read_identity
from hvit_edge.devices.runner import Runner
from hvit_edge.errors import InputError
from hvit_edge.progress import Count, uncounted
from hvit_edge.runtime import Prediction, SelfTest, as_pixels


class DeviceClassifier:
    """Decodes photos on this machine and classifies them on the device.

    Attributes:
        metadata: metadata of the artifact.
        classes: number of classes.
        backend: name of the runtime and device, such as "C++ runtime on qemu:cortex-a76".

    Args:
        path: a `.pte` file written by hvit-edge.
        runner: the runner on the device.
        threads: number of threads; 0 lets the device choose.

    Raises:
        InputError: there is no such file, it is a package, or it is not a classifier.
        ArtifactError: the artifact is damaged, not from hvit-edge, or too new.
    """

    metadata: Metadata
    classes: int

    def __init__(self, path: str | Path, runner: Runner, *, threads: int = 0) -> None:
        if is_package(path):
            raise InputError(
                f"[device] expected a .pte file, got the package {path}: the runner has no Core ML;"
                " open packages on a Mac"
            )
        self.metadata, self.classes = read_identity(path)
        check_classifies(self.metadata, path)
        self.backend = f"C++ runtime on {runner.device.name}"
        self._path, self._runner, self._threads = Path(path), runner, threads

    def __call__(
        self, image: str | Path | Image.Image | np.ndarray, *, top_k: int = 5
    ) -> list[Prediction]:
        """Return the most probable classes of a photo, which is preprocessed on the device.

        See `runtime.Classifier`.
        """
        pixels = as_pixels(image)
        found = self._runner.classify(self._path, pixels, top_k=top_k, threads=self._threads)
        return [Prediction(one["label"], one["index"], one["score"]) for one in found]

    def logits(self, image: str | Path | Image.Image | np.ndarray) -> np.ndarray:
        """Return the output for one photo, float32 [1, classes]; it is preprocessed locally."""
        return self.logits_of([image])[0]

    def logits_of(
        self,
        images: Iterable[str | Path | Image.Image | np.ndarray],
        count: Count = uncounted,
    ) -> list[np.ndarray]:
        """Return the output for each of several photos; they are sent together and run singly."""
        inputs = [self.metadata.preprocess(as_pixels(image)) for image in images]
        return self._runner.run(self._path, inputs, threads=self._threads, count=count)

    def cancel(self) -> None:
        """Stop the current command on the device; call it from another thread."""
        self._runner.device.stop.set()

    def self_test(self) -> SelfTest:
        """Compare the output for the golden photo with the stored output of eager PyTorch.

        The photo is preprocessed on the device.
        """
        return SelfTest(**self._runner.self_test(self._path, threads=self._threads))
