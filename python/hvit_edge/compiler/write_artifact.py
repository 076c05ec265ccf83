"""Write a program as an artifact, with its metadata, a self test and a report."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hvit_edge.artifact.container import constant_methods, seal, write_atomically
from hvit_edge.artifact.metadata import Metadata
from hvit_edge.artifact.package_file import write_package
from hvit_edge.boundary.quiet import quiet_stderr
from hvit_edge.compiler.description import describe_artifact
from hvit_edge.compiler.gate import Gate
from hvit_edge.compiler.mixed import MixedReport
from hvit_edge.compiler.pipeline import Made
from hvit_edge.compiler.report import Artifact, CompileReport, PackageReport
from hvit_edge.compiler.request import Request
from hvit_edge.errors import ParityError
from hvit_edge.profile.peak_memory import peak_memory_bytes
from hvit_edge.runtime import Session
from hvit_edge.targets.lowered_program import LoweredProgram

if TYPE_CHECKING:
    from hvit_edge.targets.coreml.target import Package


def write_artifact(
    request: Request,
    gate: Gate,
    made: Made,
    mixture: MixedReport | None = None,
) -> Artifact:
    """Write a program with its metadata and golden sample, and return the path and the report.

    Args:
        request: options of the compilation.
        gate: gate with the results of all steps.
        made: the program.
        mixture: the report of precision "auto"; None for any other.

    Raises:
        InputError: the file cannot be written.
        ParityError: the written file does not pass its self test.
    """
    metadata = described(request, gate, made)
    if isinstance(made.program, LoweredProgram):
        kind, own = _program(request, gate, made.program, metadata)
        own["mixture"] = mixture
    else:
        kind, own = _package(request, gate, made.program, metadata)
    common = reported(request, gate, made, metadata)
    return Artifact(request.path, kind(**common, **own, **spent(request)))


def described(request: Request, gate: Gate, made: Made) -> Metadata:
    """Return the metadata of a program."""
    metadata = describe_artifact(
        gate,
        request.target,
        cpu=request.cpu,
        layers=made.layers,
        operators=getattr(made.program, "operators", ()),
        outside=getattr(made.program, "ops_outside", ()),
    )
    return gate.complete(metadata)


def reported(request: Request, gate: Gate, made: Made, metadata: Metadata) -> dict[str, Any]:
    """Return the fields that the reports of all targets have."""
    return {
        "model": gate.subject.origin.name,
        "target": request.target,
        "precision": request.precision,
        "weights": metadata.weights_source,
        "origin": gate.subject.origin,
        "path": request.path,
        "parity": metadata.parity,
        "steps": tuple(gate.results),
        "rewrites_left_out": gate.rewrites_left_out,
        "fallback": gate.fallback,
        "reused": tuple(gate.reuse.reused),
        "calibration": made.calibration,
        **gate.reported,
    }


def spent(request: Request) -> dict[str, Any]:
    """Return the time and memory that a compilation has used until now."""
    return {
        "seconds": time.perf_counter() - request.start,
        "peak_memory_bytes": peak_memory_bytes(),
    }


Written = tuple[type, dict[str, object]]
"""The class of the report, and the fields that only this class has."""


def _program(request: Request, gate: Gate, program: LoweredProgram, metadata: Metadata) -> Written:
    """Write a `.pte`. If this machine can run it, its self test must pass."""
    data = seal(program.serialize(constant_methods(metadata, gate.golden)))
    runs_here = request.target != "coreml-pte" or sys.platform == "darwin"
    check = partial(self_test, metadata.model_name) if runs_here else None
    write_atomically(request.path, data, force=request.force, check=check)
    return CompileReport, {"bytes": len(data), "lowered": program}


def _package(request: Request, gate: Gate, package: Package, metadata: Metadata) -> Written:
    """Write an `.mlpackage` with the description that apps and Xcode show."""
    from hvit_edge.coreml.metadata import write_metadata
    from hvit_edge.coreml.preview import preview
    from hvit_edge.targets.coreml.build import About, describe

    about = About(
        author=f"hvit-edge {metadata.versions['hvit-edge']}",
        licence="see the source of the weights",
        version=metadata.created,
        description=f"{metadata.model_name}, {metadata.weights_source} weights,"
        f" {metadata.precision}. {gate.describe_input()}",
    )
    extra = {"hve_compute_units": request.compute_units, **preview(metadata, gate.golden)}
    describe(package.model, about, {**write_metadata(metadata, gate.golden), **extra})
    size = write_package(request.path, _saved(package), force=request.force)
    return PackageReport, {
        "bytes": size,
        "ios": request.ios,
        "operators": package.program.counts(),
        "in_float32": package.in_float32,
    }


def _saved(package: Package) -> Callable[[Path], None]:
    """Return a function that writes a package, and reads the file again as a check."""
    from hvit_edge.coreml.written import check_written

    def save(path: Path) -> None:
        package.model.save(str(path))
        if package.program.package is not None:
            check_written(path, package.program.package)

    return save


def self_test(model: str, path: Path) -> None:
    """Run the self test of each method of a written file in the C++ runtime, with preprocessing.

    Raises:
        ParityError: a self test fails.
    """
    with quiet_stderr():  # ExecuTorch notes that two runtimes are in one process
        session = Session(path)
    for method in session.metadata.methods or (None,):
        if method is not None:
            session.select(method.name)
        result = session.self_test()
        if not result.passed:
            of = f"{model}, method {method.name}" if method else model
            raise ParityError(
                f"[compile] {of}: expected the artifact to pass its self test in the C++ runtime,"
                f" got max_rel {result.max_rel:.3g}; nothing was written"
            )
