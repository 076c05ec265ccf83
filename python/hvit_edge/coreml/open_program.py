"""Open the program of a package that takes a photo: with Core ML on a Mac, or the evaluator."""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import torch
from PIL import Image

from hvit_edge.coreml.features import IMAGE
from hvit_edge.coreml.package import Package
from hvit_edge.coreml.program import Output, load_program
from hvit_edge.coreml.toolkit import toolkit
from hvit_edge.errors import InputError
from hvit_edge.runtime import whole_number

CORE_ML, EVALUATOR = "Core ML", "reference evaluator"
RunPhoto = Callable[[np.ndarray], dict[str, Output]]
"""Maps uint8 [H, W, 3] in RGB at the size of the program's input to its outputs by name."""


def open_program(package: Package, threads: int, where: str) -> tuple[str, RunPhoto]:
    """Return what runs the ML program of a package, "Core ML" or "reference evaluator", and a
    function that does. A detector's suppression of boxes is not part of it.

    Args:
        package: a package whose input is a photo.
        threads: threads of the reference evaluator, for the complete process; 0 keeps torch's
            number. Core ML chooses the number itself, so it allows only 0.
        where: name of the public class, for messages.

    Raises:
        InputError: the number of threads is impossible.
    """
    count = whole_number(threads, where, "threads")
    if can_predict():
        return CORE_ML, _core_ml(package, count, where)
    return EVALUATOR, _evaluator(package, count, where)


def can_predict() -> bool:
    """Return True if coremltools can hand programs to Core ML on this machine."""
    return (
        sys.platform == "darwin" and toolkit("coremltools.models.model")._MLModelProxy is not None
    )


def _core_ml(package: Package, threads: int, where: str) -> RunPhoto:
    if threads:
        raise InputError(
            f"[{where}] threads: expected 0 with Core ML, which chooses the number, got"
            f" {threads}; leave out --threads (threads=...)"
        )
    make = toolkit().models.MLModel
    if package.suppression is None:
        model = make(str(package.path))
    else:  # whose outputs are not those of the program
        model = make(package.spec, weights_dir=str(package.weights))
    return lambda pixels: model.predict({IMAGE: Image.fromarray(pixels)})


def _evaluator(package: Package, threads: int, where: str) -> RunPhoto:
    if threads < 0:
        raise InputError(f"[{where}] threads: expected 0 or more, got {threads}")
    program = load_program(package.path)
    if threads:
        torch.set_num_threads(threads)
    return lambda pixels: program.run({IMAGE: pixels})
