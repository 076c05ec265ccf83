"""Run a Core ML package of a task on photos, and return the outputs of its network."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
from PIL import Image

from hvit_edge.artifact.container import Arrays, GoldenPhoto
from hvit_edge.coreml.features import IMAGE
from hvit_edge.coreml.metadata import read_metadata
from hvit_edge.coreml.open_program import open_program
from hvit_edge.coreml.package import Package, read_package
from hvit_edge.errors import ArtifactError
from hvit_edge.measures.difference import compare_output, worst
from hvit_edge.preprocess import Preprocess
from hvit_edge.runtime import SelfTest, TensorSpec, as_pixels
from hvit_edge.tasks.names import DETECT, EMBED, SEGMENT

TASKS = (EMBED, SEGMENT, DETECT)


class PhotoPackage:
    """Runs a package that embeds, segments or detects; calls from several threads take turns.

    Args:
        path: an `.mlpackage` that `hvit_edge.compile` wrote.
        threads: see `open_program`.

    Attributes:
        metadata: the metadata of the package.
        golden: its golden sample, with the image at the size of the program's input.
        specs: a TensorSpec for each output of the network.
        backend: what runs the program, "Core ML" or "reference evaluator".

    Raises:
        ArtifactError: the package is damaged, too new, not from hvit-edge, or of another task.
        InputError: coremltools is missing, or the number of threads is impossible.
    """

    tasks = TASKS

    def __init__(self, path: str | Path, *, threads: int = 0) -> None:
        self.package = read_package(path)
        self.metadata, golden = read_metadata(self.package.metadata)
        if self.metadata.task not in self.tasks or not isinstance(golden, GoldenPhoto):
            raise ArtifactError(
                f"[{self._name}] expected a package of the task {' or '.join(self.tasks)}, got"
                f" one of the task {self.metadata.task}: {path}; `hvit-edge run` opens any task"
            )
        self.golden = golden
        names = self.metadata.output_names
        self.specs = tuple(
            TensorSpec(array.shape, array.dtype.name, name)
            for name, array in zip(names, golden.outputs, strict=True)
        )
        _check(self.package, self.preprocess, golden, names)
        self._lock = threading.Lock()
        self.backend, self._run = open_program(self.package, threads, self._name)

    def outputs(self, image: str | Path | Image.Image | np.ndarray) -> list[np.ndarray]:
        """Return the outputs of the network for one photo of any size, in order.

        Raises:
            InputError: the file is unreadable, or the array is wrong.
        """
        return list(self.predict(self.preprocess.resize_and_crop(as_pixels(image))))

    def predict(self, pixels: np.ndarray) -> Arrays:
        """Return the outputs for uint8 [H, W, 3] in RGB at the input size."""
        with self._lock:
            found = self._run(pixels)
        outputs = tuple(np.asarray(found[spec.name], np.float32) for spec in self.specs)
        shapes = [array.shape for array in outputs]
        if shapes != [spec.shape for spec in self.specs]:
            raise ArtifactError(
                f"[{self._name}] expected outputs of {[list(spec.shape) for spec in self.specs]},"
                f" got {[list(shape) for shape in shapes]}; compile the model again"
            )
        return outputs

    def self_test(self) -> SelfTest:
        """Run the golden photo, and compare each output with the golden one."""
        found, expected = self.predict(self.golden.image), self.golden.outputs
        difference = worst([compare_output(e, o) for e, o in zip(expected, found, strict=True)])
        task = self.metadata.photo_task
        return SelfTest(
            passed=difference.max_rel <= self.metadata.golden_tolerance,
            max_abs=difference.max_abs,
            max_rel=difference.max_rel,
            top1_agree=task is not None and task.agrees(expected, found),
        )

    @property
    def preprocess(self) -> Preprocess:
        """Return how a photo becomes the input."""
        spec = self.metadata.preprocess
        if spec is None:
            raise ArtifactError(
                f"[{self._name}] expected a package with preprocessing, got none; compile the"
                " model again"
            )
        return spec

    @property
    def _name(self) -> str:
        return type(self).__name__


def _check(
    package: Package, preprocess: Preprocess, golden: GoldenPhoto, names: tuple[str, ...]
) -> None:
    """Refuse a package whose program is not the one that its metadata describes."""
    size, faults = tuple(preprocess.input_size), []
    inputs = [(feature.name, feature.kind, feature.shape[2:]) for feature in package.inputs]
    if inputs != [(IMAGE, "image", size)]:
        faults.append(f"the inputs {inputs} instead of an image of {size}")
    missing = set(names) - {feature.name for feature in package.outputs}
    if missing:
        faults.append(f"no output {', '.join(sorted(missing))}")
    if golden.image.shape[:2] != size:
        faults.append(f"a golden image of {golden.image.shape[:2]} instead of {size}")
    if faults:
        raise ArtifactError(
            f"[package] expected the program that the metadata of {package.path} describes, got"
            f" {'; '.join(faults)}; compile the model again"
        )
