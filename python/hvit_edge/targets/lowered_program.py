"""Define what every lowered program tells, however it was made."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from hvit_edge.artifact.metadata import OperatorRecord


@dataclass(frozen=True)
class OutsideOp:
    """Describes an operator that the delegate did not take.

    Attributes:
        op: the operator, such as `aten.topk.default`.
        module: dotted path of the module that the operator came from; empty for the root.
        reason: why it was not taken, as far as the partitioner says.
    """

    op: str
    module: str
    reason: str

    def to_dict(self) -> dict[str, str]:
        return asdict(self)


class LoweredProgram(ABC):
    """Holds a program and says which of its operators run where.

    Attributes:
        delegates: the number of delegates that `forward` calls.
        ops_outside: the operators that are left to the portable kernels.
        ops_total: the number of operators in the graph before partitioning.
        operators: the operators that the delegate runs, in the order in which they were
            serialized; empty if that was not recorded.
    """

    delegates: int
    ops_outside: Sequence[OutsideOp]
    ops_total: int
    operators: tuple[OperatorRecord, ...]

    @property
    def delegated_share(self) -> float:
        """Return the share of the operators that run in a delegate, 0 to 1."""
        return 1 - len(self.ops_outside) / self.ops_total if self.ops_total else 1.0

    @abstractmethod
    def serialize(self, constant_methods: Mapping[str, object] | None = None) -> bytes:
        """Return the program's bytes: `forward`, and one method for each constant.

        Every call returns the same bytes.

        Args:
            constant_methods: by method name, a str, int, float, list of int or float, or tensor.
        """
