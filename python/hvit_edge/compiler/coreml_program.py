"""Compile to an ExecuTorch program for the Core ML delegate.

The program has the metadata and the golden sample of any `.pte`. On Apple systems the C++ Session
loads it, and the compilation runs its self test. On other systems it can be compiled and inspected.
Its accuracy is then known only for the rewritten graph, not for Core ML.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial

import torch

from hvit_edge.compiler.coreml_package import PackageRequest
from hvit_edge.compiler.description import COREML_PACKAGES, XNNPACK_PACKAGES
from hvit_edge.compiler.gate import Gate
from hvit_edge.compiler.gated_graphs import rewritten_graph
from hvit_edge.compiler.program_file import self_test, write_program
from hvit_edge.compiler.report import Artifact
from hvit_edge.coreml.toolkit import toolkit
from hvit_edge.lowering import COREML_PIPELINE
from hvit_edge.targets.delegate import Lowered

PACKAGES = tuple(dict.fromkeys((*XNNPACK_PACKAGES, *COREML_PACKAGES)))


def compile_program(
    request: PackageRequest, check_delegation: Callable[[Lowered, bool], None]
) -> Artifact:
    """Compile for the Core ML delegate of ExecuTorch.

    Args:
        request: the options.
        check_delegation: raises an error if too many operators are outside the delegate.

    Raises:
        LoweringError: the graph cannot be lowered.
        ParityError: the difference of a step from eager PyTorch is above its tolerance.
    """
    start = time.perf_counter()
    toolkit()
    from hvit_edge.targets.coreml.delegate import lower

    subject, gate = request.subject, Gate(request.subject, request.precision, request.rtol)
    graph = rewritten_graph(gate, COREML_PIPELINE, request.tell)
    request.tell("lower")
    lowered = lower(
        graph,
        (torch.from_numpy(subject.example),),
        precision=request.precision,
        ios=request.ios,
        compute_units=request.compute_units,
    )
    check_delegation(lowered, subject.registered)
    request.tell("write")
    check = partial(self_test, subject.origin.name) if sys.platform == "darwin" else None
    return write_program(
        lowered,
        "coreml-pte",
        gate,
        PACKAGES,
        request.path,
        force=request.force,
        check=check,
        start=start,
    )
