"""A plan that is put together operation by operation, with the answers that it must give."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from hvit_edge.targets.native import operations as ops
from hvit_edge.targets.native.inverted_residuals import fuse_inverted_residuals
from hvit_edge.targets.native.operations import Matrices
from hvit_edge.targets.native.values import Buffer, Number, Rows, Space
from hvit_edge.targets.native.write_plan import write_plan

EXACT = 2e-6
CODED = 0.02
"""Largest differences, absolute: of float32, and of int8 codes of values up to one."""


def numbers(count: int, seed: int) -> np.ndarray:
    """Return float32 numbers between -1 and 1, the same on every machine."""
    steps = (np.arange(count, dtype=np.int64) * 73 + seed * 31) % 127
    return ((steps - 63) / 64).astype(np.float32)


@dataclass
class Case:
    """A plan on its way: operations, and what each part of the output must be."""

    version: int
    operations: list[ops.Operation] = field(default_factory=list)
    answers: list[tuple[str, float, np.ndarray]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.input = numbers(700, self.version)
        self.source = Buffer(self.input.size, Space.INPUT)
        self.target = Buffer(0, Space.OUTPUT)

    def given(self, start: int, rows: int, width: int, stride: int | None = None) -> Rows:
        """Rows of the input."""
        return Rows(self.source, start + np.arange(rows) * (stride or width), width)

    def values(self, rows: Rows) -> np.ndarray:
        """The float64 values of rows of the input."""
        return self.input[rows.places[:, None] + np.arange(rows.width)].astype(np.float64)

    def matrix(self, buffer: Buffer, start: int, stride: int, heads: int, apart: int) -> Matrices:
        return Matrices(buffer, start + np.arange(heads) * apart, stride)

    def answer(self, name: str, expected: np.ndarray, tolerance: float = EXACT) -> int:
        """Expect the next numbers of the output, and return their first index."""
        start = self.target.size
        self.target.size += expected.size
        self.answers.append((name, tolerance, expected.ravel()))
        return start

    def rows(self, name: str, expected: np.ndarray, tolerance: float = EXACT) -> Rows:
        """Rows of the output, which must be `expected` [rows, width]."""
        start = self.answer(name, expected, tolerance)
        return Rows(
            self.target, start + np.arange(len(expected)) * expected.shape[1], expected.shape[1]
        )

    def add(self, operation: ops.Operation, name: str) -> None:
        operation.name = f"{type(operation).__name__} {name}"
        self.operations.append(operation)

    def show(
        self, name: str, buffer: Buffer, expected: np.ndarray, tolerance: float = EXACT
    ) -> None:
        """Copy a buffer of the arena to the output, where it must be `expected`."""
        rows = Rows(buffer, np.zeros(1, np.int64), expected.size)
        output = self.rows(name, expected.reshape(1, -1), tolerance)
        self.add(ops.Add(rows, None, 1.0, 1.0, output), name)

    def write(self) -> bytes:
        """Return the plan."""
        operations = fuse_inverted_residuals(self.operations, Number.FLOAT32)
        return write_plan(operations, self.source, self.target)

    def text(self) -> str:
        """Return the input, and a line for each part of the output: name, tolerance and numbers."""
        lines = ["input 0 " + " ".join(f"{value:.9g}" for value in self.input)]
        for name, tolerance, expected in self.answers:
            numbers_text = " ".join(f"{value:.12g}" for value in expected)
            lines.append(f"{name.replace(' ', '_')} {tolerance:g} {numbers_text}")
        return "\n".join(lines) + "\n"
