"""Write artifacts of cpp/tests/data for the runtime without ExecuTorch, which the C++ tests load.

    python cpp/tests/make_tiny_native.py

tiny_native_v1.pte and two_outputs_native_v1.pte are the networks of make_tiny.py and
make_outputs.py for the target native. portable_v1.pte is that of make_tiny.py outside of every
delegate. Existing files are kept: they also show that newer runtimes read older artifacts.
"""

from __future__ import annotations

import runpy
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import nn

from hvit_edge.lowering import NATIVE_PIPELINE, export_graph, rewrite
from hvit_edge.targets.native.lower import lower

ROOT = Path(__file__).parents[2]
DATA = Path(__file__).parent / "data"


def program(model: nn.Module, size: tuple[int, int], fields: dict[str, Any]) -> bytes:
    """Return the program of `model` for the target native."""
    inputs = (torch.zeros(1, 3, *size),)
    graph = export_graph(model, inputs)
    rewrite(graph, passes=NATIVE_PIPELINE)
    return lower(graph, inputs).serialize(constant_methods=fields)


def write(name: str, artifact: bytes) -> None:
    """Write a file if it does not exist."""
    path = DATA / name
    if path.exists():
        return
    path.write_bytes(artifact)
    print(path, path.stat().st_size, "bytes")


def main() -> None:
    """Build them with the fixture of tests/runtime."""
    fixtures = runpy.run_path(str(ROOT / "tests/runtime/conftest.py"))
    two_outputs = runpy.run_path(str(Path(__file__).parent / "make_outputs.py"))["TwoOutputs"]
    with tempfile.TemporaryDirectory() as folder:
        tiny = fixtures["build_tiny"](Path(folder))
        portable = tiny.make("portable", delegate=False)
        write("portable_v1.pte", portable.read_bytes())
    size = fixtures["INPUT_SIZE"]
    native = {**tiny.fields, "hve_target": "native"}
    write("tiny_native_v1.pte", tiny.seal(program(tiny.model, size, native)))
    photo = torch.zeros(4, 4, 3, dtype=torch.uint8)
    several = {**native, "hve_labels": "", "hve_golden_image": photo}
    model = two_outputs(tiny.model).eval()
    write("two_outputs_native_v1.pte", tiny.seal(program(model, size, several)))


if __name__ == "__main__":
    main()
