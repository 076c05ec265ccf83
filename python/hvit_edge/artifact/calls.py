"""Read which delegates and operators an ExecuTorch program calls. Imports no torch."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from hvit_edge.artifact.flatbuffer import Table, root
from hvit_edge.errors import ArtifactError

NATIVE_BACKEND = "HvitEdgeBackend"
"""Name of the native backend in a program."""

# Field numbers of ExecuTorch's flatbuffer schema (exir/_serialize/program.fbs, identifier ET12).
PROGRAM_EXECUTION_PLAN = 1
PLAN_NAME, PLAN_CHAINS, PLAN_OPERATORS, PLAN_DELEGATES = 0, 5, 6, 7
CHAIN_INSTRUCTIONS = 2
INSTRUCTION_TYPE, INSTRUCTION_ARGUMENTS = 0, 1
CALL_INDEX = 0
KERNEL_CALL, DELEGATE_CALL = 1, 2
OPERATOR_NAME, OPERATOR_OVERLOAD = 0, 1
DELEGATE_ID = 0


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


def is_native(program: bytes) -> bool:
    """Return True if the native backend runs everything that the methods of a program call.

    Args:
        program: content of the file.

    Raises:
        ArtifactError: it is not an ExecuTorch program.
    """
    calls = _read_calls(program, None)
    return all(not call.is_kernel and call.name == NATIVE_BACKEND for call in calls)


@dataclass(frozen=True)
class _Call:
    place: int
    kind: int
    name: str

    @property
    def is_kernel(self) -> bool:
        return self.kind == KERNEL_CALL


def _read_calls(program: bytes, method: str | None) -> list[_Call]:
    """Return the calls of a method, or of all methods if it is None."""
    try:
        if program[4:8] != b"ET12":
            raise ValueError(f"identifier {program[4:8]!r}")
        plans = root(program).tables(PROGRAM_EXECUTION_PLAN)
        if method is not None:
            plans = [plan for plan in plans if plan.string(PLAN_NAME) == method][:1]
        if not plans:
            raise ValueError("no method" if method is None else f"no method {method!r}")
        return [call for plan in plans for call in _calls(plan)]
    except (struct.error, IndexError, ValueError) as error:
        wanted = "" if method is None else f" with the method {method!r}"
        raise ArtifactError(
            f"[inspect] expected an ExecuTorch program{wanted}, got other content ({error});"
            " compile the model again"
        ) from error


def _calls(plan: Table) -> Iterator[_Call]:
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


def _operator_name(operator: Table) -> str:
    name, overload = operator.string(OPERATOR_NAME), operator.string(OPERATOR_OVERLOAD)
    return f"{name}.{overload}" if overload else name
