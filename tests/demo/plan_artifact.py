"""Wraps a plan of cpp/tests/data/plans as an artifact of arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import hvit_edge
from hvit_edge.artifact.container import GoldenTensors, constant_methods, seal
from hvit_edge.artifact.write_program import DelegateMethod, TensorForm, write_program

DATA = Path(__file__).parents[2] / "cpp/tests/data"


@dataclass(frozen=True)
class PlanCase:
    """A plan, its input, and the answers by definition in float64, part by part."""

    plan: bytes
    given: np.ndarray
    parts: list[tuple[str, float, np.ndarray]]

    @property
    def expected(self) -> np.ndarray:
        """Return all answers, one after another."""
        return np.concatenate([values for _, _, values in self.parts])


def read_case(version: int) -> PlanCase:
    """Read the plan of a version that cpp/tests/make_plans.py wrote."""
    lines = (DATA / f"plans/v{version}.txt").read_text().splitlines()
    first, *parts = [line.split() for line in lines]
    answers = [(name, float(limit), np.array(values, float)) for name, limit, *values in parts]
    plan = (DATA / f"plans/v{version}.plan").read_bytes()
    return PlanCase(plan, np.array(first[2:], np.float32), answers)


def write_artifact(case: PlanCase, path: Path) -> None:
    """Write an artifact whose program is the plan."""
    model = hvit_edge.Session(DATA / "native_tensors_v2.pte", prepare=False).metadata
    names = {"input_names": ("given",), "output_names": ("answers",)}
    golden = GoldenTensors((case.given,), (case.expected.astype(np.float32),))
    forms = [(TensorForm(array.shape),) for array in (case.given, case.expected)]
    method = DelegateMethod("forward", "HvitEdgeBackend", case.plan, *forms)
    constants = constant_methods(replace(model, **names), golden)
    path.write_bytes(seal(write_program([method], constants)))
