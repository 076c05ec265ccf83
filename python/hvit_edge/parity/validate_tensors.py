"""Validate every output of each step of a tensor artifact, from eager PyTorch to the runtime."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import nn

from hvit_edge.artifact.container import GoldenTensors
from hvit_edge.artifact.metadata import TENSOR
from hvit_edge.compiler.tensor_gate import FREE_DB, TensorStep
from hvit_edge.compiler.tensor_programs import program_step
from hvit_edge.compiler.tensor_subject import eager_outputs, tensors_of
from hvit_edge.errors import InputError
from hvit_edge.lowering import COREML_PIPELINE, NATIVE_PIPELINE, export_graph, pipeline_for, rewrite
from hvit_edge.lowering.pipeline import applied_passes
from hvit_edge.measures.tolerance import Tolerance, golden_tolerance, step_tolerance
from hvit_edge.parity.reference import reference_model
from hvit_edge.parity.report import Noise, ParityReport
from hvit_edge.parity.steps import QUANTIZED, StepResult
from hvit_edge.quantize import centred_sqnr, sqnr
from hvit_edge.runtime import Session
from hvit_edge.tensors.declared import declared_in
from hvit_edge.tensors.golden_file import read_golden_tensors
from hvit_edge.tensors.judge_outputs import judge_outputs, tolerances_of, without_classes
from hvit_edge.tensors.sample_file import read_samples
from hvit_edge.tensors.samples import Arrays, read_inputs
from hvit_edge.tensors.tensor_module import TensorModule, argument_names, without_wrapper

GOLDEN = "golden"


@dataclass(frozen=True)
class Runs:
    """Describes how an artifact is run: with a `Session`, or as a package.

    Attributes:
        metadata: metadata of the artifact.
        golden: its golden sample.
        step: runs the program.
        name: name of this step: "runtime", "evaluated" or "predicted".
        backend: name of the backend for the report.
        shapes: shapes of the inputs.
        classes: number of classes if the first output is [N, classes], for a model that is rebuilt;
            otherwise None.
    """

    metadata: object
    golden: GoldenTensors
    step: TensorStep
    name: str
    backend: str
    shapes: tuple[tuple[int, ...], ...]
    classes: int | None


def session_runs(path: Path, session: Session) -> Runs:
    """Return the `Runs` of a `.pte` in the C++ runtime."""
    return Runs(
        metadata=session.metadata,
        golden=read_golden_tensors(path, session.metadata),
        step=lambda arrays: tuple(session(*arrays)),
        name="runtime",
        backend="C++ runtime",
        shapes=tuple(spec.shape for spec in session.inputs),
        classes=_classes(session.outputs[0].shape),
    )


def validate_tensor_package(
    path: Path, *, threads: int, sample: object, rtol: float | None, **module: object
) -> ParityReport:
    """Validate a package; arguments, result and errors are those of `validate_tensors`."""
    from hvit_edge.coreml.runner import CORE_ML
    from hvit_edge.tensors.package_session import PackageSession

    session = PackageSession(path, threads=threads)
    runs = Runs(
        metadata=session.metadata,
        golden=session.golden,
        step=lambda arrays: tuple(session(*arrays)),
        name="predicted" if session.backend == CORE_ML else "evaluated",
        backend=session.backend,
        shapes=tuple(spec.shape for spec in session.inputs),
        classes=_classes(session.outputs[0].shape),
    )
    return validate_tensors(path, runs, sample=sample, rtol=rtol, **module)


def validate_tensors(
    path: Path,
    runs: Runs,
    *,
    sample: object,
    model: nn.Module | str | None,
    weights: object,
    weights_key: str | None,
    args: Mapping[str, object] | None,
    rtol: float | None,
) -> ParityReport:
    """Compare every output of an artifact, and of every step that led to it, with eager PyTorch.

    Args:
        path: the artifact.
        runs: how it is run.
        sample: samples to compare: arrays, a dict of them, an NPZ file or a folder of such files;
            None uses the golden sample, and draws more if that one was drawn from a declaration.
        model, weights, weights_key, args, rtol: see `validate`.

    Raises:
        InputError: a sample has other shapes or dtypes; or see `reference_model`.
    """
    metadata = runs.metadata
    module = reference_model(
        metadata,
        runs.classes,
        model=model,
        weights=weights,
        weights_key=weights_key,
        args=args,
        artifact=path,
        input_size=_input_size(runs.shapes[0]),
    )
    names, samples, source = _samples(sample, runs)
    function = TensorModule(module, _keywords(module, metadata.input_names))
    expected = [eager_outputs(function, arrays) for arrays in samples]
    _check_outputs(expected[0], runs)

    def judged(step: str, outputs: Sequence[Arrays]) -> StepResult:
        tolerance = step_tolerance(step, metadata.precision, rtol)
        tolerances = tolerances_of(tolerance, expected[0], metadata.precision, rtol)
        return judge_outputs(step, metadata.output_names, outputs, expected, tolerances)

    outputs = [runs.step(arrays) for arrays in samples]
    steps = [*_float_steps(function, samples, metadata, judged), *_fidelity(runs)]
    if metadata.target == "xnnpack":
        lowered = program_step(path.read_bytes())
        steps.append(judged("lowered", [lowered(arrays) for arrays in samples]))
    steps.append(judged(runs.name, outputs))
    return ParityReport(
        artifact=path,
        precision=metadata.precision,
        images=len(samples),
        tolerance=without_classes(step_tolerance(runs.name, metadata.precision, rtol)),
        steps=tuple(steps),
        noise=_noise(names, expected, outputs),
        layers=tuple(sorted(metadata.layers, key=lambda layer: layer.sqnr_db)),
        backend=runs.backend,
        task=TENSOR,
        samples=source,
    )


def _classes(shape: tuple[int, ...]) -> int | None:
    return shape[1] if len(shape) == 2 else None


def _input_size(shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """Return the input size of a registered model: (height, width), or (frames, bands)."""
    return shape[-2:] if len(shape) in (3, 4) else None


def check_options(*, data: object, bisect: bool, device: str, local: str) -> None:
    """Raise InputError for options that are only for artifacts that classify photos."""
    faults = []
    if data is not None:
        faults.append("data: expected none, got photos; pass --sample FILE.npz (sample=...)")
    if bisect:
        faults.append("bisect: expected none, because it works only for classifiers")
    if device != local:
        faults.append(
            f"device: expected {local}, got {device}; run the C++ Session there, whose self test"
            " compares with the golden sample"
        )
    if faults:
        raise InputError("[validate] an artifact of arrays: " + "; ".join(faults))


def _samples(sample: object, runs: Runs) -> tuple[list[str], list[Arrays], str]:
    """Return names of samples, the samples, and where they came from."""
    inputs, golden = runs.metadata.input_names, runs.golden.inputs
    if sample is None:
        found = [golden]
        specs = declared_in(runs.metadata.sample_source)
        if specs:
            generator = np.random.default_rng(1)  # not the samples of the compilation
            found += [tuple(spec.draw(generator) for spec in specs) for _ in range(4)]
        names = [GOLDEN, *(f"drawn {index}" for index in range(1, len(found)))]
        drawn = f", and {len(found) - 1} drawn like it" if specs else ""
        return names, found, f"the golden sample ({runs.metadata.sample_source}){drawn}"
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
    """Return the names of the arguments of a module; None if only their positions are known."""
    try:
        return argument_names(module, names, len(names), "validate")[1]
    except InputError:
        return None


def _check_outputs(expected: Arrays, runs: Runs) -> None:
    made, stored = ([array.shape for array in row] for row in (expected, runs.golden.outputs))
    if made != stored:
        raise InputError(
            f"[validate] expected the module that the artifact was made from, with outputs of"
            f" {', '.join(str(list(s)) for s in stored)}, got"
            f" {', '.join(str(list(s)) for s in made)}; pass it as model="
        )


def _float_steps(
    function: TensorModule, samples: list[Arrays], metadata: object, judged: object
) -> list[StepResult]:
    """Export the module, rewrite it for its target, and compare both graphs with it."""
    passes = {"native": NATIVE_PIPELINE, "coreml": COREML_PIPELINE}.get(
        metadata.target
    ) or pipeline_for(metadata.cpu, metadata.precision)
    passes = applied_passes(passes, metadata.rewrites_left_out, metadata.fallback)
    graph = without_wrapper(export_graph(function, tensors_of(samples[0])))
    exported = judged("exported", [eager_outputs(graph, arrays) for arrays in samples])
    rewrite(graph, passes=passes)
    return [exported, judged("rewritten", [eager_outputs(graph, arrays) for arrays in samples])]


def _fidelity(runs: Runs) -> list[StepResult]:
    """Compare the answer of the program to the golden sample with that of the quantized graph."""
    golden = runs.golden
    if golden.graph is None:
        return []
    discrete = Tolerance(max_rel=golden_tolerance(runs.metadata.precision), same_top1=False)
    tolerances = [
        discrete if least <= FREE_DB else Tolerance(same_top1=False, sqnr_db=least)
        for least in golden.least_sqnr_db
    ]
    outputs, names = [runs.step(golden.inputs)], runs.metadata.output_names
    return [judge_outputs("fidelity", names, outputs, [golden.graph], tolerances, QUANTIZED)]


def _noise(names: list[str], expected: Sequence[Arrays], outputs: Sequence[Arrays]) -> Noise:
    """Measure the noise of the outputs; of several outputs the noisiest counts."""
    rows = range(len(expected[0]))
    whole = [
        (np.stack([row[i] for row in expected]), np.stack([row[i] for row in outputs]))
        for i in rows
    ]
    own = [min(map(sqnr, e, o)) for e, o in zip(expected, outputs, strict=True)]
    worst = own.index(min(own))
    centered = min(centred_sqnr(*pair) for pair in whole) if len(names) > 1 else None
    return Noise(min(sqnr(*pair) for pair in whole), centered, names[worst], own[worst])
