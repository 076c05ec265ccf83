"""Validate a tensor artifact: from eager PyTorch to what runs the program, output by output."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from torch import nn

from hvit_edge.artifact.container import Arrays
from hvit_edge.artifact.input_spec import declared_in
from hvit_edge.devices import Runner
from hvit_edge.errors import InputError
from hvit_edge.parity.opened import Opened
from hvit_edge.parity.reference import Given, reference_model
from hvit_edge.parity.report import ParityReport
from hvit_edge.parity.validate_outputs import validate_outputs
from hvit_edge.progress import Count, uncounted
from hvit_edge.targets.target import Sample
from hvit_edge.tensors.eager import eager_outputs
from hvit_edge.tensors.sample_file import read_samples
from hvit_edge.tensors.samples import read_inputs
from hvit_edge.tensors.tensor_module import TensorModule, argument_names

GOLDEN = "golden"


def validate_tensors(
    opened: Opened,
    given: Given,
    *,
    sample: object,
    rtol: float | None,
    bisect: bool = False,
    runner: Runner | None = None,
    threads: int = 0,
    progress: Count = uncounted,
) -> ParityReport:
    """Compare every output of an artifact, and of every step that led to it, with eager PyTorch.

    Args:
        opened: the artifact.
        given: the module or weights from the caller.
        sample: arrays, a dict of them, an NPZ file or a folder of NPZ files. None uses the golden
            sample, and more random samples if that one is random.
        rtol, bisect, threads, progress: see `validate`.
        runner: runs the program on a device as well; None for no device.

    Raises:
        InputError: a sample has other shapes or dtypes than the inputs; or see `reference_model`.
        DeviceError: the device cannot be reached, or was lost.
    """
    metadata = opened.metadata
    module = reference_model(
        metadata,
        opened.classes,
        given,
        artifact=opened.path,
        input_size=_input_size(opened.shapes[0]),
    )
    names, samples, source = _samples(sample, opened)
    function = TensorModule(module, _keywords(module, metadata.input_names))
    expected = [eager_outputs(function, arrays) for arrays in samples]
    _check_outputs(expected[0], opened)
    report, _ = validate_outputs(
        opened,
        function,
        list(map(Sample, samples)),
        names,
        expected,
        rtol=rtol,
        bisect=bisect,
        runner=runner,
        threads=threads,
        progress=progress,
    )
    return replace(report, samples=source)


def _input_size(shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """Return the input size of a registered model: height and width, or frames and bands."""
    return shape[-2:] if len(shape) in (3, 4) else None


def check_options(*, data: object) -> None:
    """Raise InputError for options that are only for artifacts that classify photos."""
    if data is not None:
        raise InputError(
            "[validate] an artifact of arrays: data: expected none, got photos; pass --sample"
            " FILE.npz (sample=...)"
        )


def _samples(sample: object, opened: Opened) -> tuple[list[str], list[Arrays], str]:
    """Return names of samples, the samples, and where they came from."""
    inputs, golden = opened.metadata.input_names, opened.golden.inputs
    if sample is None:
        found = [golden]
        specs = declared_in(opened.metadata.sample_source)
        if specs:
            generator = np.random.default_rng(1)  # not the samples of the compilation
            found += [tuple(spec.draw(generator) for spec in specs) for _ in range(4)]
        names = [GOLDEN, *(f"drawn {index}" for index in range(1, len(found)))]
        drawn = f", and {len(found) - 1} drawn like it" if specs else ""
        return names, found, f"the golden sample ({opened.metadata.sample_source}){drawn}"
    if isinstance(sample, str | os.PathLike):
        found = read_samples(sample, inputs, golden, "validate")
        return [f"sample {index}" for index in range(len(found))], found, str(sample)
    given = read_inputs(sample, "validate")
    arrays = _ordered(given.names, given.golden, inputs)
    faults = [
        f"{name} {array.dtype.name} {list(array.shape)}"
        for name, array, wanted in zip(inputs, arrays, golden, strict=True)
        if (array.dtype, array.shape) != (wanted.dtype, wanted.shape)
    ]
    if faults:
        expected = ", ".join(
            f"{name} {array.dtype.name} {list(array.shape)}"
            for name, array in zip(inputs, golden, strict=True)
        )
        raise InputError(
            f"[validate] sample: expected {expected}, got {', '.join(faults)}; give arrays of the"
            " shapes and dtypes that the artifact was compiled for"
        )
    return ["sample 0"], [arrays], given.source


def _ordered(names: tuple[str, ...] | None, arrays: Arrays, inputs: Sequence[str]) -> Arrays:
    named: Mapping[str, np.ndarray] = dict(zip(names or inputs, arrays, strict=False))
    if len(arrays) != len(inputs) or set(named) != set(inputs):
        got = ", ".join(names) if names else f"{len(arrays)} arrays"
        raise InputError(
            f"[validate] sample: expected the inputs {', '.join(inputs)}, got {got}; give one array"
            " for each"
        )
    return tuple(named[name] for name in inputs)


def _keywords(module: nn.Module, names: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the names of arguments that are passed by keyword; None if the names do not fit."""
    try:
        return argument_names(module, names, len(names), "validate")[1]
    except InputError:
        return None


def _check_outputs(expected: Arrays, opened: Opened) -> None:
    made, stored = ([array.shape for array in row] for row in (expected, opened.golden.outputs))
    if made != stored:
        raise InputError(
            f"[validate] expected the module that the artifact was made from, with outputs of"
            f" {', '.join(str(list(s)) for s in stored)}, got"
            f" {', '.join(str(list(s)) for s in made)}; pass it as model="
        )
