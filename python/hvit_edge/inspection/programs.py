"""Describe the contents of an artifact. Imports no torch."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from hvit_edge.artifact.flatbuffer import Table as _Table
from hvit_edge.artifact.flatbuffer import root as _root
from hvit_edge.artifact.kinds import is_package
from hvit_edge.artifact.methods import entry_of
from hvit_edge.errors import ArtifactError

if TYPE_CHECKING:
    from hvit_edge.runtime import Session

# Field numbers of ExecuTorch's flatbuffer schema (exir/_serialize/program.fbs, identifier ET12).
PROGRAM_EXECUTION_PLAN = 1
PLAN_NAME, PLAN_CHAINS, PLAN_OPERATORS, PLAN_DELEGATES = 0, 5, 6, 7
CHAIN_INSTRUCTIONS = 2
INSTRUCTION_TYPE, INSTRUCTION_ARGUMENTS = 0, 1
CALL_INDEX = 0
KERNEL_CALL, DELEGATE_CALL = 1, 2
OPERATOR_NAME, OPERATOR_OVERLOAD = 0, 1
DELEGATE_ID = 0


def describe(path: str | Path) -> dict:
    """Return what `hvit-edge inspect` shows for an artifact.

    Returns:
        For a package, see `describe_package`. For a file: path, bytes, format ("pte"), inputs and
        outputs (lists of {"dtype", "shape"}, and "name" for the task "tensor"),
        planned_memory_bytes, delegates and ops_outside (name to number of calls), metadata
        (docs/artifact.md). They are those of the first method; `methods` lists all methods of an
        artifact with several (name, batch, input_size, planned_memory_bytes, delegates and
        ops_outside), and is empty for others.

    Raises:
        ArtifactError: the file is not a usable artifact.
    """
    if is_package(path):
        from hvit_edge.inspection.packages import describe_package

        return describe_package(path)
    from hvit_edge.runtime import Session

    session = Session(path, prepare=False)  # checks the seal before anything is parsed here
    metadata = session.metadata
    program = Path(path).read_bytes()
    delegates, outside = count_calls(program)
    return {
        "path": str(path),
        "bytes": len(program),
        "format": "pte",
        "inputs": [_tensor(spec) for spec in session.inputs],
        "outputs": [_tensor(spec) for spec in session.outputs],
        "planned_memory_bytes": session.planned_memory_bytes,
        "delegates": delegates,
        "ops_outside": outside,
        "metadata": asdict(replace(metadata, versions=dict(metadata.versions))),
        "methods": _methods(session, program),
    }


def _methods(session: Session, program: bytes) -> list[dict]:
    """Describe each method of a program with several."""
    found = []
    methods = session.metadata.methods
    for method in methods:
        session.select(method.name)
        delegates, outside = count_calls(program, entry_of(methods, method.name))
        found.append(
            {
                "name": method.name,
                "batch": method.batch,
                "input_size": list(method.size),
                "planned_memory_bytes": session.planned_memory_bytes,
                "delegates": delegates,
                "ops_outside": outside,
            }
        )
    return found


def _tensor(spec) -> dict:
    named = {"name": spec.name} if spec.name else {}
    return {**named, "dtype": str(spec.dtype), "shape": list(spec.shape)}


def count_calls(program: bytes, method: str = "forward") -> tuple[dict[str, int], dict[str, int]]:
    """Count the calls of delegates, and of operators outside them, in an ExecuTorch program.

    Args:
        program: content of the file.
        method: name of the method.

    Returns:
        The number of calls by name of the delegate, and by name of the operator.

    Raises:
        ArtifactError: it is not an ExecuTorch program, or does not have the method.
    """
    calls = _read_calls(program, method)
    delegates = Counter(call.name for call in calls if not call.is_kernel)
    outside = Counter(call.name for call in calls if call.is_kernel)
    return dict(delegates.most_common()), dict(outside.most_common())


def kernel_calls(program: bytes, method: str = "forward") -> dict[int, str]:
    """Return the operator of each instruction that calls a kernel, by the place of the instruction.

    Args and errors are those of `count_calls`.
    """
    return {call.place: call.name for call in _read_calls(program, method) if call.is_kernel}


@dataclass(frozen=True)
class _Call:
    place: int
    kind: int
    name: str

    @property
    def is_kernel(self) -> bool:
        return self.kind == KERNEL_CALL


def _read_calls(program: bytes, method: str) -> list[_Call]:
    try:
        if program[4:8] != b"ET12":
            raise ValueError(f"identifier {program[4:8]!r}")
        plans = _root(program).tables(PROGRAM_EXECUTION_PLAN)
        plan = next((p for p in plans if p.string(PLAN_NAME) == method), None)
        if plan is None:
            raise ValueError(f"no method {method!r}")
        return list(_calls(plan))
    except (struct.error, IndexError, ValueError) as error:
        raise ArtifactError(
            f"[inspect] expected an ExecuTorch program with the method {method!r}, got other"
            f" content ({error}); compile the model again"
        ) from error


def _calls(plan: _Table) -> Iterator[_Call]:
    """Yield the calls of delegates and kernels of a method, which is one chain."""
    names = {
        KERNEL_CALL: [_operator_name(operator) for operator in plan.tables(PLAN_OPERATORS)],
        DELEGATE_CALL: [delegate.string(DELEGATE_ID) for delegate in plan.tables(PLAN_DELEGATES)],
    }
    for chain in plan.tables(PLAN_CHAINS):
        for place, instruction in enumerate(chain.tables(CHAIN_INSTRUCTIONS)):
            kind = instruction.scalar(INSTRUCTION_TYPE, "B")
            if kind in names:
                index = instruction.table(INSTRUCTION_ARGUMENTS).scalar(CALL_INDEX, "i")
                yield _Call(place, kind, names[kind][index])


def _operator_name(operator: _Table) -> str:
    name, overload = operator.string(OPERATOR_NAME), operator.string(OPERATOR_OVERLOAD)
    return f"{name}.{overload}" if overload else name
