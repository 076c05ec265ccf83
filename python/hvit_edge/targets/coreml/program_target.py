"""Make ExecuTorch programs with the Core ML delegate, for Apple systems.

The program has the metadata and the golden sample of any `.pte`, and the same C++ Session loads it
on Apple systems, where its self test runs after it is written. Elsewhere it can be compiled and
inspected; there only the rewritten graph is compared with PyTorch.
"""

from __future__ import annotations

from collections.abc import Sequence

from hvit_edge.coreml.toolkit import toolkit
from hvit_edge.lowering import COREML_PIPELINE, Rewrite
from hvit_edge.precision import COREML_PACKAGES, XNNPACK_PACKAGES
from hvit_edge.targets.delegate import Lowered
from hvit_edge.targets.target import Job, Prepared, Target


class CoreMLProgramTarget(Target[Lowered]):
    """Makes programs for ExecuTorch's Core ML delegate."""

    name = "coreml-pte"
    step = ""
    packages = tuple(dict.fromkeys((*XNNPACK_PACKAGES, *COREML_PACKAGES)))

    def passes(self, precision: str, cpu: str) -> Sequence[Rewrite]:
        """Return the rewrites of a program, which are those of a package."""
        toolkit()  # says at once if coremltools is missing
        return COREML_PIPELINE

    def lower(self, prepared: Prepared, job: Job) -> Lowered:
        """Lower a graph for the delegate."""
        from hvit_edge.targets.coreml.delegate import lower

        job.tell("lower")
        return lower(
            prepared.graph,
            job.example,
            precision=job.precision,
            ios=job.ios,
            compute_units=job.compute_units,
        )
