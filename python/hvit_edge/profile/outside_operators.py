"""Find operator and module of what the runtime reports about operators outside the delegates.

The runtime reports the place of an instruction. The program has the operator of each instruction.
The artifact records the operators that were left outside, with their modules. Some of them need no
instruction, because ExecuTorch plans their memory so that nothing is copied.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from hvit_edge.artifact.calls import kernel_calls
from hvit_edge.profile.operator_groups import INSTRUCTION
from hvit_edge.runtime import Session


def outside_operators(path: str | Path, names: Sequence[str]) -> dict[str, tuple[str, str | None]]:
    """Return the operator and the module of each reported operator outside the delegates.

    Args:
        path: a `.pte` written by hvit-edge.
        names: the names that the runtime reports, also those of operators in delegates.

    Returns:
        The operator, such as "aten::topk.values", and the module, by reported name. The module is
        empty for the root, and None if it is not certain.
    """
    if not any(name.startswith(INSTRUCTION) for name in names):
        return {}
    calls = kernel_calls(Path(path).read_bytes())
    modules = modules_of_calls(calls, Session(path, prepare=False).metadata.ops_outside)
    return {f"{INSTRUCTION}{place}": (name, modules[place]) for place, name in calls.items()}


def modules_of_calls(calls: Mapping[int, str], record: str) -> dict[int, str | None]:
    """Return the module of each call of a kernel; None if it is not certain.

    It is certain if as many calls of an operator are in the program as were recorded; they are
    matched in order.

    Args:
        calls: operators of the program by place, such as "aten::topk.values".
        record: `Metadata.ops_outside`.
    """
    recorded, called = defaultdict(list), defaultdict(list)
    for line in record.splitlines():
        operator, _, module = line.partition("\t")
        recorded["::".join(operator.split(".")[:2])].append(module)
    for place, name in sorted(calls.items()):
        called[name.partition(".")[0]].append(place)
    found: dict[int, str | None] = dict.fromkeys(calls)
    for name, places in called.items():
        if len(places) == len(recorded[name]):
            found.update(zip(places, recorded[name], strict=True))
    return found
