"""Write the programs of several methods as one artifact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import cast

from hvit_edge.artifact.container import constant_methods_of, seal, write_atomically
from hvit_edge.artifact.metadata import Metadata, Method
from hvit_edge.artifact.methods import entry_of
from hvit_edge.compiler.gate import Gate
from hvit_edge.compiler.pipeline import Made
from hvit_edge.compiler.report import Artifact, CompileReport, MethodReport
from hvit_edge.compiler.request import Request
from hvit_edge.compiler.write_artifact import described, reported, self_test, spent
from hvit_edge.targets import target_named
from hvit_edge.targets.lowered_program import LoweredProgram


@dataclass(frozen=True)
class MadeMethod:
    """Holds a method whose program passed all checks."""

    method: Method
    gate: Gate
    made: Made

    @property
    def program(self) -> LoweredProgram:
        """Return the program; targets that write packages have no methods."""
        return cast("LoweredProgram", self.made.program)


def write_methods(request: Request, made: Sequence[MadeMethod]) -> Artifact:
    """Write an artifact of several methods, and return the path and the report.

    The artifact is written only if the self test of every method passes in the C++ runtime.

    Args:
        request: options of the compilation.
        made: the methods, the preferred one first.

    Raises:
        InputError: the file cannot be written.
        ParityError: a method does not pass its self test.
    """
    methods = tuple(each.method for each in made)
    metadata = _metadata(request, made, methods)
    golden = [each.gate.golden for each in made]
    programs = {entry_of(methods, each.method.name): each.program for each in made}
    constants = constant_methods_of(list(zip(metadata, golden, strict=True)))
    data = seal(target_named(request.target).serialize(programs, constants))
    check = partial(self_test, metadata[0].model_name)
    write_atomically(request.path, data, force=request.force, check=check)
    first = made[0]
    report = CompileReport(
        **reported(request, first.gate, first.made, metadata[0]),
        bytes=len(data),
        lowered=first.program,
        methods=tuple(map(_report, made)),
        **spent(request),
    )
    return Artifact(request.path, report)


def _metadata(
    request: Request, made: Sequence[MadeMethod], methods: tuple[Method, ...]
) -> list[Metadata]:
    """Return the metadata of each method; all have the time of the first."""
    found = [described(request, each.gate, each.made) for each in made]
    return [
        replace(metadata, created=found[0].created, methods=methods, method=each.method.name)
        for metadata, each in zip(found, made, strict=True)
    ]


def _report(each: MadeMethod) -> MethodReport:
    program = each.program
    return MethodReport(
        method=each.method,
        parity=each.gate.parity,
        steps=tuple(each.gate.results),
        delegates=program.delegates,
        ops_outside=len(program.ops_outside),
    )
