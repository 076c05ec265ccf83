"""Run programs for our own backend, which only our C++ runtime has."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch.fx import GraphModule, Node

from hvit_edge.artifact.container import Golden, constant_methods, seal
from hvit_edge.artifact.metadata import SCHEMA_VERSION, Difference, Metadata
from hvit_edge.lowering.graph import Editor, aten, nodes_calling, shape_of
from hvit_edge.parity.steps import Step
from hvit_edge.preprocess import Preprocess
from hvit_edge.quantize.int8_operators import INT8_OPERATORS
from hvit_edge.runtime import Session
from hvit_edge.targets.delegate import Lowered
from hvit_edge.targets.native.lower import lower
from hvit_edge.targets.native.values import Number

_NO_GOLDEN = Golden(np.zeros((1, 1, 3), np.uint8), np.zeros((1, 1), np.float32))


def native_step(lowered: Lowered, size: tuple[int, int]) -> Step:
    """Return a step that runs a program in the C++ runtime.

    Args:
        lowered: program from float32 [1, 3, height, width] to one output of any shape.
        size: (height, width) of the input.
    """
    return program_step(native_program(lowered, size))


def native_program(lowered: Lowered, size: tuple[int, int]) -> bytes:
    """Return a program as bytes, with the metadata that a Session needs.

    The arguments are those of `native_step`.
    """
    return lowered.serialize(constant_methods(_metadata(size), _NO_GOLDEN))


def program_step(program: bytes) -> Step:
    """Return a step that runs a program, given as bytes, in the C++ runtime."""
    with tempfile.TemporaryDirectory(prefix="hvit-edge-") as folder:
        path = Path(folder, "program.pte")
        path.write_bytes(seal(program))
        session = Session(path)  # it maps the file, so the file may be deleted

    def run(array: np.ndarray) -> np.ndarray:
        return session(np.ascontiguousarray(array))[0]

    return run


def native_values(
    graph: GraphModule,
    nodes: Sequence[Node],
    inputs: tuple[torch.Tensor, ...],
    number: Number = Number.FLOAT32,
) -> dict[str, torch.Tensor]:
    """Return the values of the lowered graph at `nodes`, by name.

    The backend has one output, so `graph` is changed to concatenate the values. `number` is the
    type of all numbers that are not int8.
    """
    output = graph.graph.output_node()
    edit = Editor(graph, output)
    flat = [edit.reshape(node, [1, node.meta["val"].numel()]) for node in nodes]
    output.args = ((edit.call(aten.cat.default, flat, 1),),)
    graph.graph.set_codegen(torch.fx.graph.CodeGen())
    graph.recompile()
    (array,) = inputs
    step = native_step(lower(graph, inputs, number, whole=False), tuple(array.shape[2:]))
    joined = torch.from_numpy(step(array.numpy()))
    parts = joined[0].split([node.meta["val"].numel() for node in nodes])
    return {
        node.name: part.reshape(shape_of(node)) for node, part in zip(nodes, parts, strict=True)
    }


def native_int8_values(
    graph: GraphModule, example: torch.Tensor, number: Number
) -> dict[str, torch.Tensor]:
    """Return the inputs and outputs of the int8 layers of a lowered graph, and its output.

    They are computed by a program that has them as outputs, so operations that the program itself
    fuses are separate in it. The values have the names of the nodes of the graph.
    """
    twin = copy.deepcopy(graph)
    layers = list(nodes_calling(twin, *INT8_OPERATORS))
    nodes = [node for layer in layers for node in (layer.args[0], layer)]
    if not layers:
        return {}
    (output,) = twin.graph.output_node().args[0]
    wanted = [node for node in dict.fromkeys([*nodes, output]) if node.op == "call_function"]
    return native_values(twin, wanted, (example,), number)


def _metadata(size: tuple[int, int]) -> Metadata:
    """Return metadata that a Session requires; its values do not matter here."""
    return Metadata(
        schema_version=SCHEMA_VERSION,
        model_name="program",
        target="native",
        precision="fp32",
        created="",
        weights_source="",
        weights_sha256="0" * 64,
        versions={},
        labels=(),
        preprocess=Preprocess(size, resize_size=max(size)),
        parity=Difference(0.0, 0.0, 1.0, True),
        golden_tolerance=1.0,
    )
