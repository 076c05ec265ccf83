"""Read the golden tensors of a program of the task "tensor"."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hvit_edge.artifact.container import GoldenTensors
from hvit_edge.artifact.metadata import Metadata
from hvit_edge.targets.kernels import executorch_runtime

GRAPH_SQNR = "hve_graph_sqnr"


def read_golden_tensors(path: Path, metadata: Metadata) -> GoldenTensors:
    """Return the golden sample of a `.pte`, with the answer of its quantized graph if it has one.

    Args:
        path: an artifact that a Session has opened, so its fields are valid.
        metadata: metadata of the artifact.
    """
    program = executorch_runtime().load_program(path.read_bytes())

    def values(name: str) -> list:
        return list(program.load_method(name).execute([]))

    def row(prefix: str, count: int) -> tuple[np.ndarray, ...]:
        return tuple(values(f"{prefix}_{i}")[0].clone().numpy() for i in range(count))

    inputs = row("hve_golden_input", len(metadata.input_names))
    outputs = row("hve_golden_output", len(metadata.output_names))
    if GRAPH_SQNR not in program.method_names:
        return GoldenTensors(inputs, outputs)
    graph = row("hve_graph_output", len(outputs))
    return GoldenTensors(inputs, outputs, graph, tuple(map(float, values(GRAPH_SQNR))))
