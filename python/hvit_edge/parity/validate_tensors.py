"""Validate a tensor artifact: from eager PyTorch to what runs the program, output by output."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import numpy as np
from torch import nn

from hvit_edge.artifact.container import Arrays
from hvit_edge.artifact.input_spec import declared_in
from hvit_edge.artifact.metadata import TENSOR
from hvit_edge.devices import Runner
from hvit_edge.errors import InputError
from hvit_edge.lowering import rewrite
from hvit_edge.measures.tolerance import Tolerance, golden_tolerance, step_tolerance
from hvit_edge.parity.bisect import exported_graph
from hvit_edge.parity.judge_outputs import FREE_DB, judge_outputs, tolerances_of, without_classes
from hvit_edge.parity.locate_break import locate_break
from hvit_edge.parity.on_device import measure_arrays_on_device
from hvit_edge.parity.opened import Opened
from hvit_edge.parity.reference import Given, reference_model
from hvit_edge.parity.report import Noise, ParityReport
from hvit_edge.parity.steps import QUANTIZED, StepResult
from hvit_edge.progress import Count, uncounted
from hvit_edge.quantize import centred_sqnr, sqnr
from hvit_edge.targets import target_named
from hvit_edge.targets.executorch import executorch_run
from hvit_edge.targets.target import Sample
from hvit_edge.tensors.eager import eager_outputs, tensors_of
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

    def judged(step: str, outputs: Sequence[Arrays]) -> StepResult:
        tolerance = step_tolerance(step, metadata.precision, rtol)
        tolerances = tolerances_of(tolerance, expected[0], metadata.precision, rtol)
        return judge_outputs(step, metadata.output_names, outputs, expected, tolerances)

    outputs = [opened.run(Sample(arrays)) for arrays in samples]
    steps = [*_float_steps(function, samples, metadata, judged), *_fidelity(opened)]
    if opened.in_executorch:
        lowered = executorch_run(opened.path.read_bytes())
        steps.append(judged("lowered", [lowered(arrays) for arrays in samples]))
    steps.append(judged(opened.step, outputs))
    there = None
    if runner is not None:
        step, there, outputs = measure_arrays_on_device(
            runner,
            opened.path,
            samples,
            outputs,
            judged,
            metadata.output_names,
            threads=threads,
            progress=progress,
        )
        steps.append(step)
    report = ParityReport(
        artifact=opened.path,
        precision=metadata.precision,
        images=len(samples),
        tolerance=without_classes(step_tolerance(opened.step, metadata.precision, rtol)),
        steps=tuple(steps),
        noise=_noise(names, expected, outputs),
        layers=tuple(sorted(metadata.layers, key=lambda layer: layer.sqnr_db)),
        backend=opened.backend,
        device=there,
        task=TENSOR,
        samples=source,
    )
    if not bisect or report.passed:
        return report
    return locate_break(report, metadata, function, list(map(Sample, samples)), rtol)


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


def _float_steps(
    function: TensorModule, samples: list[Arrays], metadata: object, judged: object
) -> list[StepResult]:
    """Export and rewrite the module as in the compilation, and compare both graphs with it."""
    graph = exported_graph(function, tensors_of(samples[0]))
    exported = judged("exported", [eager_outputs(graph, arrays) for arrays in samples])
    rewrite(graph, passes=target_named(metadata.target).applied(metadata))
    return [exported, judged("rewritten", [eager_outputs(graph, arrays) for arrays in samples])]


def _fidelity(opened: Opened) -> list[StepResult]:
    """Compare the program's answer to the golden sample with the quantized graph's."""
    golden = opened.golden
    if golden.graph is None:
        return []
    discrete = Tolerance(max_rel=golden_tolerance(opened.metadata.precision), same_top1=False)
    tolerances = [
        discrete if least <= FREE_DB else Tolerance(same_top1=False, sqnr_db=least)
        for least in golden.least_sqnr_db
    ]
    outputs, names = [opened.run(Sample(golden.inputs))], opened.metadata.output_names
    return [judge_outputs("fidelity", names, outputs, [golden.graph], tolerances, QUANTIZED)]


def _noise(names: list[str], expected: Sequence[Arrays], outputs: Sequence[Arrays]) -> Noise:
    """Measure the noise of the outputs against eager PyTorch; the noisiest output counts."""
    rows = range(len(expected[0]))
    whole = [
        (np.stack([row[i] for row in expected]), np.stack([row[i] for row in outputs]))
        for i in rows
    ]
    own = [min(map(sqnr, e, o)) for e, o in zip(expected, outputs, strict=True)]
    worst = own.index(min(own))
    centred = min(centred_sqnr(*pair) for pair in whole) if len(names) > 1 else None
    return Noise(min(sqnr(*pair) for pair in whole), centred, names[worst], own[worst])
