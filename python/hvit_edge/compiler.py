"""Compile a model to an artifact: every step from PyTorch to the sealed file, gated by parity."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

import torch
from torch import nn

from hvit_edge.artifact import (
    Golden,
    check_output,
    constant_methods,
    creation_time,
    seal,
    write_atomically,
)
from hvit_edge.errors import DelegationError, InputError, ParityError
from hvit_edge.lowering import export_graph, rewrite
from hvit_edge.metadata import SCHEMA_VERSION, Metadata, Parity
from hvit_edge.parity.steps import Step, StepResult, executorch_step, measure, pytorch_step
from hvit_edge.preprocess import Preprocess
from hvit_edge.runtime import Session
from hvit_edge.subject import Subject, origin_of, prepare_subject
from hvit_edge.targets.xnnpack import Lowered, lower
from hvit_edge.weights import weights_digest

TARGETS = ("xnnpack",)
PRECISIONS = ("fp32",)


@dataclass(frozen=True)
class CompileReport:
    """What was compiled, how much of it the delegate took, and how close it comes to PyTorch.

    Attributes:
        model, target, precision, weights: what was asked for; `weights` names the source.
        path, bytes: the artifact and its size.
        delegates, ops_outside, ops_total, delegated_share: see `targets.xnnpack.Lowered`.
        parity: of the program against eager PyTorch on the golden photo.
        steps: the same for each step on the way.
        seconds: wall time of the whole.
    """

    model: str
    target: str
    precision: str
    weights: str
    path: Path
    bytes: int
    lowered: Lowered
    parity: Parity
    steps: tuple[StepResult, ...]
    seconds: float

    def to_dict(self) -> dict[str, object]:
        """The report as plain values, ready for JSON."""
        return {
            "model": self.model,
            "target": self.target,
            "precision": self.precision,
            "weights": self.weights,
            "path": str(self.path),
            "bytes": self.bytes,
            "delegates": self.lowered.delegates,
            "ops_outside": [op.to_dict() for op in self.lowered.ops_outside],
            "ops_total": self.lowered.ops_total,
            "delegated_share": self.lowered.delegated_share,
            "parity": {
                "max_abs": self.parity.max_abs,
                "max_rel": self.parity.max_rel,
                "cosine": self.parity.cosine,
                "top1_agree": self.parity.top1_agree,
            },
            "steps": [step.to_dict() for step in self.steps],
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True)
class Artifact:
    """A written artifact and the report of its making."""

    path: Path
    report: CompileReport


def compile(
    model: str | nn.Module,
    *,
    target: str = "xnnpack",
    precision: str = "fp32",
    weights: object = None,
    num_classes: int | None = None,
    input_size: int | tuple[int, int] | None = None,
    preprocess: Preprocess | None = None,
    labels: Sequence[str] | None = None,
    output: str | Path | None = None,
    force: bool = False,
    min_delegated: float | None = None,
    rtol: float = 1e-4,
    on_step: Callable[[str], None] | None = None,
) -> Artifact:
    """Compile a model to one self-describing file.

    Args:
        model: a registered name, or any module that maps float32 [1, 3, H, W] to logits
            [1, classes].
        target: "xnnpack".
        precision: "fp32".
        weights, num_classes, input_size: as `create_model`; for a registered name only.
        preprocess: from photo to input; needed for a module of your own, and in place of the
            checkpoint's for a registered name.
        labels: class names in class order; None keeps those of the checkpoint.
        output: file to write; None is `{model}-{target}-{precision}.pte` in the current folder.
        force: replace an existing file.
        min_delegated: share of the operators, 0 to 1, that must run in the delegate; None is 1.0
            for a registered name and 0.0 for a module of your own.
        rtol: largest difference from eager PyTorch, relative to its largest absolute output.
        on_step: called with a word for each step that begins.

    Returns:
        The path and the report. Nothing is written unless every gate passes.

    Raises:
        InputError: a wrong argument, an existing output, unusable weights.
        LoweringError: the module cannot be exported or lowered.
        DelegationError: fewer operators are delegated than asked for; each is named.
        ParityError: a step differs from eager PyTorch by more than `rtol`, or in its top class.
    """
    start = time.perf_counter()
    tell = on_step or (lambda step: None)
    _check_options(target, precision, min_delegated, rtol)
    path = _output_path(model, target, precision, output)
    check_output(path, force=force)

    tell("build")
    subject = prepare_subject(model, weights, num_classes, input_size, preprocess, labels)
    lowered, steps = _lower(subject, min_delegated, rtol, tell)
    tell("write")
    parity = Parity(**steps[-1].difference.to_dict())
    metadata = _metadata(subject, target, precision, parity, rtol)
    golden = Golden(subject.golden_image, subject.expected)
    data = seal(lowered.serialize(constant_methods(metadata, golden)))
    write_atomically(path, data, force=force, check=partial(_self_test, subject.origin.name))
    return Artifact(
        path,
        CompileReport(
            model=subject.origin.name,
            target=target,
            precision=precision,
            weights=metadata.weights_source,
            path=path,
            bytes=len(data),
            lowered=lowered,
            parity=parity,
            steps=steps,
            seconds=time.perf_counter() - start,
        ),
    )


def _check_options(target: str, precision: str, min_delegated: float | None, rtol: float) -> None:
    faults = []
    if target not in TARGETS:
        faults.append(f"target: expected one of {', '.join(TARGETS)}, got {target!r}")
    if precision not in PRECISIONS:
        faults.append(f"precision: expected one of {', '.join(PRECISIONS)}, got {precision!r}")
    if min_delegated is not None and not 0 <= min_delegated <= 1:
        faults.append(f"min_delegated: expected a share from 0 to 1, got {min_delegated}")
    if not 0 < rtol < 1:
        faults.append(f"rtol: expected a number between 0 and 1, got {rtol}")
    if faults:
        raise InputError("[compile] " + "; ".join(faults))


def _output_path(
    model: str | nn.Module, target: str, precision: str, output: str | Path | None
) -> Path:
    if output is not None:
        return Path(output)
    name = model if isinstance(model, str) else origin_of(model, None).name
    return Path(f"{name}-{target}-{precision}.pte")


def _lower(
    subject: Subject, min_delegated: float | None, rtol: float, tell: Callable[[str], None]
) -> tuple[Lowered, tuple[StepResult, ...]]:
    """From the module to a lowered program, each step compared with eager PyTorch."""
    steps = []

    def gate(name: str, step: Step) -> None:
        steps.append(measure(name, step, [subject.example], [subject.expected], rtol))
        if not steps[-1].passed:
            raise ParityError(_parity_message(subject.origin.name, steps[-1], rtol))

    example = (torch.from_numpy(subject.example),)
    tell("export")
    graph = export_graph(subject.module, example)
    gate("exported", pytorch_step(graph))
    tell("rewrite")
    rewrite(graph)
    gate("rewritten", pytorch_step(graph))
    tell("lower")
    lowered = lower(graph, example)
    _check_delegation(lowered, min_delegated, subject.registered)
    gate("lowered", executorch_step(lowered.serialize()))
    return lowered, tuple(steps)


def _parity_message(model: str, result: StepResult, rtol: float) -> str:
    difference = result.difference
    agreement = "agrees" if difference.top1_agree else "differs"
    return (
        f"[compile] {model}: expected the {result.name} program within {rtol:g} of eager PyTorch,"
        f" got max_rel {difference.max_rel:.3g} (max_abs {difference.max_abs:.3g}, cosine"
        f" {difference.cosine:.6f}, top-1 {agreement}); nothing was written"
    )


def _check_delegation(lowered: Lowered, wanted: float | None, registered: bool) -> None:
    wanted = (1.0 if registered else 0.0) if wanted is None else wanted
    if lowered.delegated_share >= wanted:
        return
    listed = "".join(
        f"\n  {op.op} in {op.module or 'the root module'}: {op.reason}"
        for op in lowered.ops_outside
    )
    raise DelegationError(
        f"[compile] expected at least {wanted:.1%} of the operators in the delegate, got"
        f" {lowered.delegated_share:.1%} of {lowered.ops_total}; replace these operators or lower"
        f" --min-delegated:{listed}"
    )


def _metadata(
    subject: Subject, target: str, precision: str, parity: Parity, rtol: float
) -> Metadata:
    packages = ("hvit-edge", "torch", "executorch")
    return Metadata(
        schema_version=SCHEMA_VERSION,
        model_name=subject.origin.name,
        target=target,
        precision=precision,
        created=creation_time(),
        weights_source=subject.origin.weights_source,
        weights_sha256=weights_digest(subject.module),
        versions={package: version(package) for package in packages},
        labels=subject.origin.labels,
        preprocess=subject.origin.preprocess,
        parity=parity,
        golden_tolerance=rtol,
    )


def _self_test(model: str, path: Path) -> None:
    """Run the written file in the C++ runtime, preprocessing included."""
    result = Session(path).self_test()
    if not result.passed:
        raise ParityError(
            f"[compile] {model}: expected the artifact to pass its self test in the C++ runtime,"
            f" got max_rel {result.max_rel:.3g}; nothing was written"
        )
