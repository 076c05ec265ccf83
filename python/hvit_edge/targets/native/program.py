"""Hold a program that is one call of the native backend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from hvit_edge.artifact.metadata import OperatorRecord
from hvit_edge.artifact.write_program import DelegateMethod, write_program
from hvit_edge.targets.lowered_program import LoweredProgram, OutsideOp
from hvit_edge.targets.native.constant_pool import KEY, share_constants


@dataclass(frozen=True)
class NativeProgram(LoweredProgram):
    """Holds a program in which the native backend runs everything.

    Attributes:
        method: the only method that runs.
        ops_total, operators: see `LoweredProgram`.
    """

    method: DelegateMethod
    ops_total: int
    operators: tuple[OperatorRecord, ...]
    delegates: int = 1
    ops_outside: Sequence[OutsideOp] = field(default_factory=list)

    def serialize(self, constant_methods: Mapping[str, object] | None = None) -> bytes:
        """Return the program's bytes, which are those that ExecuTorch would write."""
        return write_program([self.method], constant_methods or {})


def serialize(
    programs: Mapping[str, LoweredProgram], constant_methods: Mapping[str, object]
) -> bytes:
    """Return the bytes of one program with several methods, which read the same constants.

    Args:
        programs: the program of each method; their plans were written into one pool.
        constant_methods: see `LoweredProgram.serialize`.
    """
    methods = [p.method for p in programs.values() if isinstance(p, NativeProgram)]
    plans, constants = share_constants([method.payload for method in methods])
    renamed = [
        replace(method, name=name, payload=plan)
        for name, method, plan in zip(programs, methods, plans, strict=True)
    ]
    return write_program(renamed, constant_methods, {KEY: constants})
