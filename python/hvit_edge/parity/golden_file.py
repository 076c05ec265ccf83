"""Read the golden sample of a program."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hvit_edge.artifact.container import Golden, GoldenPhoto, GoldenTensors, GraphAnswer
from hvit_edge.artifact.metadata import Metadata
from hvit_edge.artifact.methods import field_of
from hvit_edge.targets.executorch import executorch_runtime

RECORDS = ("hve_golden_image", "hve_golden_output", "hve_graph_output", "hve_graph_sqnr")
GRAPH_SQNR = "hve_graph_sqnr"


def read_golden(path: Path, method: str = "") -> Golden | None:
    """Return the golden sample of a `.pte`; None if it has no answer of a quantized graph.

    Artifacts in float32 and artifacts of earlier versions have none.

    Args:
        path: the file.
        method: the method of an artifact with several.
    """
    program = executorch_runtime().load_program(path.read_bytes())
    if not program.method_names.issuperset(RECORDS):
        return None
    own = {name: field_of(name, method) for name in RECORDS}
    fields = [own[name] if own[name] in program.method_names else name for name in RECORDS]
    image, output, answer, least = (program.load_method(name).execute([])[0] for name in fields)
    graph = GraphAnswer(answer.clone().numpy(), float(least))
    return Golden(image.clone().numpy(), output.clone().numpy(), graph)


def read_golden_tensors(path: Path, metadata: Metadata) -> GoldenTensors:
    """Return the golden sample of a `.pte`, and its quantized graph's answer if it has one.

    Args:
        path: an artifact that a Session has opened, so its fields are valid.
        metadata: its metadata.
    """
    read = _Reader(path)
    inputs = read.row("hve_golden_input", len(metadata.input_names))
    return GoldenTensors(inputs, *read.answers(len(metadata.output_names)))


def read_golden_photo(path: Path, metadata: Metadata) -> GoldenPhoto:
    """Return the golden photo of a `.pte` of the task "embed", "segment" or "detect".

    Args:
        path, metadata: see `read_golden_tensors`.
    """
    read = _Reader(path)
    image = read.values("hve_golden_image")[0].clone().numpy()
    return GoldenPhoto(image, *read.answers(len(metadata.output_names)))


class _Reader:
    """Reads the constants of a `.pte`."""

    def __init__(self, path: Path) -> None:
        self._program = executorch_runtime().load_program(path.read_bytes())

    def values(self, name: str) -> list:
        return list(self._program.load_method(name).execute([]))

    def row(self, prefix: str, count: int) -> tuple[np.ndarray, ...]:
        return tuple(self.values(f"{prefix}_{i}")[0].clone().numpy() for i in range(count))

    def answers(self, count: int) -> tuple:
        """Return the golden outputs, and the graph's outputs and SQNR if they are stored."""
        outputs = self.row("hve_golden_output", count)
        if GRAPH_SQNR not in self._program.method_names:
            return (outputs,)
        graph = self.row("hve_graph_output", count)
        return outputs, graph, tuple(map(float, self.values(GRAPH_SQNR)))
