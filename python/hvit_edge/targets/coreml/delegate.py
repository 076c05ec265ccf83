"""Lower a rewritten graph for ExecuTorch's Core ML delegate, which runs on Apple systems."""

from __future__ import annotations

import coremltools as ct
import torch
from executorch.backends.apple.coreml.compiler import CoreMLBackend
from executorch.backends.apple.coreml.partition import CoreMLPartitioner
from torch.fx import GraphModule

from hvit_edge.targets.coreml.build import IOS, quiet
from hvit_edge.targets.delegate import Lowered, lower_to

UNITS = {
    "all": ct.ComputeUnit.ALL,
    "cpu": ct.ComputeUnit.CPU_ONLY,
    "cpu-gpu": ct.ComputeUnit.CPU_AND_GPU,
    "cpu-ne": ct.ComputeUnit.CPU_AND_NE,
}
ARITHMETIC = {"fp16": ct.precision.FLOAT16, "fp32": ct.precision.FLOAT32}


def lower(
    graph: GraphModule,
    example_inputs: tuple[torch.Tensor, ...],
    *,
    precision: str,
    ios: int,
    compute_units: str,
) -> Lowered:
    """Lower `graph` for Core ML inside an ExecuTorch program.

    Args:
        graph: a graph that was rewritten by `COREML_PIPELINE`.
        example_inputs: float32 tensors of the program's fixed shapes.
        precision: "fp16" or "fp32".
        ios: the oldest iOS version that the program must run on, 17 or 18.
        compute_units: a key of `UNITS`. ExecuTorch obeys it; it is not only a hint.

    Raises:
        LoweringError: ExecuTorch or coremltools refuses the graph.
    """
    specs = CoreMLBackend.generate_compile_specs(
        compute_unit=UNITS[compute_units],
        minimum_deployment_target=IOS[ios],
        compute_precision=ARITHMETIC[precision],
    )
    with quiet():
        return lower_to(CoreMLPartitioner(compile_specs=specs), graph, example_inputs)
