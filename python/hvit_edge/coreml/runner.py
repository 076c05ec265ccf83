"""Run a Core ML package as a classifier, with Core ML on a Mac and the evaluator elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from hvit_edge.artifact.container import Golden
from hvit_edge.artifact.kinds import check_classifies
from hvit_edge.artifact.metadata import Metadata
from hvit_edge.coreml.features import IMAGE, LOGITS
from hvit_edge.coreml.metadata import read_metadata
from hvit_edge.coreml.open_program import open_program
from hvit_edge.coreml.package import Package, read_package
from hvit_edge.errors import ArtifactError, InputError
from hvit_edge.measures.difference import compare
from hvit_edge.runtime import Prediction, SelfTest, as_pixels, whole_number

Run = Callable[[np.ndarray], np.ndarray]
"""Maps uint8 [H, W, 3] at the size of the program's input to logits."""


class PackageClassifier:
    """Classifies photos like `runtime.Classifier`; calls from several threads take turns.

    Args:
        path: an `.mlpackage` that `hvit_edge.compile` wrote.
        threads: threads of the reference evaluator, for the complete process; 0 keeps torch's
            number. Core ML chooses the number itself, so it allows only 0.

    Attributes:
        metadata: the metadata of the package.
        golden: its golden sample, with the image at the size of the program's input.
        classes: the number of classes of the network.
        backend: what runs the program, "Core ML" or "reference evaluator".

    Raises:
        ArtifactError: the package is damaged, too new, or not from hvit-edge.
        InputError: coremltools is missing, or the number of threads is impossible.
    """

    def __init__(self, path: str | Path, *, threads: int = 0) -> None:
        package = read_package(path)
        self.metadata, self.golden = read_metadata(package.metadata)
        check_classifies(self.metadata, path)
        self.classes: int = self.golden.output.shape[1]
        _check(package, self.metadata, self.golden)
        self._lock = threading.Lock()
        self.backend, run = open_program(package, threads, "PackageClassifier")
        self._run: Run = lambda pixels: run(pixels)[LOGITS]

    def __call__(
        self, image: str | Path | Image.Image | np.ndarray, top_k: int = 5
    ) -> list[Prediction]:
        """Return the most probable classes of one photo; see `runtime.Classifier`.

        Raises:
            InputError: the file is unreadable, the array is wrong, or top_k is below 1.
            ArtifactError: the logits are NaN or infinite, as in the C++ runtime.
        """
        if whole_number(top_k, "PackageClassifier", "top_k") < 1:
            raise InputError(
                f"[PackageClassifier] expected top_k of at least 1, got {top_k};"
                " ask for at least one class"
            )
        logits = self.logits(image)[0].astype(np.float64)
        if not np.isfinite(logits).all():
            raise ArtifactError(
                "[PackageClassifier] expected finite logits, got NaN or infinity;"
                " compile the model at a higher precision"
            )
        shares = np.exp(logits - logits.max())
        shares /= shares.sum()
        order = np.argsort(-logits, kind="stable")[:top_k]
        labels = self.metadata.labels or [f"class {index}" for index in range(self.classes)]
        return [Prediction(labels[index], int(index), float(shares[index])) for index in order]

    def logits(self, image: str | Path | Image.Image | np.ndarray) -> np.ndarray:
        """Return the raw outputs for one photo of any size, float32 [1, classes]."""
        return self.predict(self.metadata.preprocess.resize_and_crop(as_pixels(image)))

    def predict(self, pixels: np.ndarray) -> np.ndarray:
        """Return the raw outputs, float32 [1, classes], for uint8 [H, W, 3] in RGB at the input
        size.
        """
        with self._lock:
            found = np.asarray(self._run(pixels), np.float32)
        if found.shape != (1, self.classes):
            raise ArtifactError(
                f"[PackageClassifier] expected logits [1, {self.classes}], got"
                f" {list(found.shape)}; compile the model again"
            )
        return found

    def self_test(self) -> SelfTest:
        """Run the golden photo and compare the result with the golden output."""
        difference = compare(self.golden.output, self.predict(self.golden.image))
        return SelfTest(
            passed=difference.max_rel <= self.metadata.golden_tolerance,
            max_abs=difference.max_abs,
            max_rel=difference.max_rel,
            top1_agree=difference.top1_agree,
        )


def _check(package: Package, metadata: Metadata, golden: Golden) -> None:
    """Refuse a package whose program is not the one that its metadata describes."""
    size, faults = tuple(metadata.preprocess.input_size), []
    inputs = [(feature.name, feature.kind, feature.shape[2:]) for feature in package.inputs]
    if inputs != [(IMAGE, "image", size)]:
        faults.append(f"the inputs {inputs} instead of an image of {size}")
    if LOGITS not in [feature.name for feature in package.outputs]:
        faults.append("no output logits")
    if golden.image.shape[:2] != size:
        faults.append(f"a golden image of {golden.image.shape[:2]} instead of {size}")
    if len(metadata.labels) not in (0, golden.output.shape[1]):
        faults.append(f"{len(metadata.labels)} labels for {golden.output.shape[1]} classes")
    if faults:
        raise ArtifactError(
            f"[package] expected the program that the metadata of {package.path} describes, got"
            f" {'; '.join(faults)}; compile the model again"
        )
