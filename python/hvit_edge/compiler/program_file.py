"""Add metadata and a seal to a lowered program, check it, and write it to the disk."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from hvit_edge.artifact.container import constant_methods, seal, write_atomically
from hvit_edge.artifact.metadata import LayerRecord
from hvit_edge.boundary.quiet import quiet_stderr
from hvit_edge.compiler.description import describe_artifact
from hvit_edge.compiler.gate import Gate
from hvit_edge.compiler.mixed import MixedReport
from hvit_edge.compiler.report import Artifact, CompileReport
from hvit_edge.errors import ParityError
from hvit_edge.precision import CPUS
from hvit_edge.quantize import Calibration
from hvit_edge.runtime import Session
from hvit_edge.targets.delegate import Lowered


def write_program(
    lowered: Lowered,
    target: str,
    gate: Gate,
    packages: Sequence[str],
    path: Path,
    *,
    layers: tuple[LayerRecord, ...] = (),
    cpu: str = CPUS[0],
    force: bool,
    check: Callable[[Path], None] | None,
    calibration: Calibration | None = None,
    mixture: MixedReport | None = None,
    start: float,
) -> Artifact:
    """Write a `.pte` with its metadata and golden sample, and return it with its report.

    Args:
        lowered: the program.
        target, gate, packages, layers, cpu: see `describe_artifact`; the gate has the subject.
        path, force, check: see `write_atomically`.
        calibration, mixture: see `CompileReport`.
        start: `time.perf_counter` at the begin of the compilation.
    """
    subject = gate.subject
    described = describe_artifact(subject, target, gate, packages, layers, cpu, lowered.operators)
    metadata = gate.complete(described)
    data = seal(lowered.serialize(constant_methods(metadata, gate.golden)))
    write_atomically(path, data, force=force, check=check)
    return Artifact(
        path,
        CompileReport(
            model=subject.origin.name,
            target=target,
            precision=gate.precision,
            weights=metadata.weights_source,
            origin=subject.origin,
            path=path,
            bytes=len(data),
            lowered=lowered,
            parity=metadata.parity,
            steps=tuple(gate.results),
            rewrites_left_out=gate.rewrites_left_out,
            fallback=gate.fallback,
            calibration=calibration,
            mixture=mixture,
            seconds=time.perf_counter() - start,
            **gate.reported,
        ),
    )


def self_test(model: str, path: Path) -> None:
    """Run the self test of a written file in the C++ runtime, including preprocessing.

    Raises:
        ParityError: the self test fails.
    """
    with quiet_stderr():  # ExecuTorch logs that two runtimes are in one process
        session = Session(path)
    result = session.self_test()
    if not result.passed:
        raise ParityError(
            f"[compile] {model}: expected the artifact to pass its self test in the C++ runtime,"
            f" got max_rel {result.max_rel:.3g}; nothing was written"
        )
