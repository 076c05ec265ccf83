"""An artifact on a device, with the interface of `runtime.Classifier`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from hvit_edge.artifact.metadata import Metadata
from hvit_edge.devices.open_artifact import check_classifies, is_package, read_identity
from hvit_edge.devices.runner import Runner
from hvit_edge.errors import InputError
from hvit_edge.progress import Count, uncounted
from hvit_edge.runtime import Prediction, SelfTest, as_pixels


class DeviceClassifier:
    """Photos are decoded here and classified there.

    Attributes:
        metadata: what the artifact says of itself.
        classes: how many it tells apart.
        backend: what runs the program, such as "C++ runtime on qemu:cortex-a76".

    Args:
        path: a `.pte` written by hvit-edge.
        runner: of the device.
        threads: 0 lets the device choose.

    Raises:
        InputError: no such file, or a package.
        ArtifactError: the artifact is damaged, foreign or too new.
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
        """The most probable classes, preprocessed on the device; see `runtime.Classifier`."""
        pixels = as_pixels(image)
        found = self._runner.classify(self._path, pixels, top_k=top_k, threads=self._threads)
        return [Prediction(one["label"], one["index"], one["score"]) for one in found]

    def logits(self, image: str | Path | Image.Image | np.ndarray) -> np.ndarray:
        """The program's output for one photo, float32 [1, classes]; preprocessed here."""
        return self.logits_of([image])[0]

    def logits_of(
        self,
        images: Iterable[str | Path | Image.Image | np.ndarray],
        count: Count = uncounted,
    ) -> list[np.ndarray]:
        """The same for several photos in one go; they are taken one at a time."""
        inputs = [self.metadata.preprocess(as_pixels(image)) for image in images]
        return self._runner.run(self._path, inputs, threads=self._threads, count=count)

    def cancel(self) -> None:
        """End what runs on the device; for another thread than the one that waits for it."""
        self._runner.device.stop.set()

    def self_test(self) -> SelfTest:
        """The golden photo, preprocessed on the device, against eager PyTorch's output."""
        return SelfTest(**self._runner.self_test(self._path, threads=self._threads))
