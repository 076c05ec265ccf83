"""Run programs for our own backend, which only our C++ runtime can."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch.fx import GraphModule, Node

from hvit_edge.artifact.container import Arrays, GoldenTensors, constant_methods, seal
from hvit_edge.artifact.metadata import TENSOR, TENSOR_SCHEMA_VERSION, Difference, Metadata
from hvit_edge.artifact.write_program import TensorForm
from hvit_edge.boundary.quiet import quiet_stderr
from hvit_edge.lowering.graph import Editor, aten, nodes_calling, shape_of
from hvit_edge.quantize.int8_operators import INT8_OPERATORS
from hvit_edge.runtime import Session
from hvit_edge.targets.lowered_program import LoweredProgram
from hvit_edge.targets.native.lower import lower
from hvit_edge.targets.native.program import NativeProgram
from hvit_edge.targets.native.values import Number


def native_run(lowered: LoweredProgram) -> Callable[[Arrays], Arrays]:
    """Return a function that runs a program in the C++ runtime."""
    session = _session(native_program(lowered))
    return lambda arrays: tuple(session(*(np.asarray(array, order="C") for array in arrays)))


def native_step(lowered: LoweredProgram) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function that runs a program of one input and one output."""
    return program_step(native_program(lowered))


def native_program(lowered: LoweredProgram) -> bytes:
    """Return the bytes of a program with what a Session reads first."""
    return lowered.serialize(constant_methods(*_described(lowered)))


def program_step(program: bytes) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function that runs the bytes of a program of one input and one output."""
    session = _session(program)
    return lambda array: session(np.ascontiguousarray(array))[0]


def _session(program: bytes) -> Session:
    with tempfile.TemporaryDirectory(prefix="hvit-edge-") as folder:
        path = Path(folder, "program.pte")
        path.write_bytes(seal(program))
        with quiet_stderr():  # ExecuTorch notes that two runtimes are in one process
            return Session(path)  # which maps the file, and needs its name no more


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
    run = native_run(lower(graph, inputs, number, whole=False))
    (array,) = run(tuple(tensor.numpy() for tensor in inputs))
    joined = torch.from_numpy(array)
    parts = joined[0].split([node.meta["val"].numel() for node in nodes])
    return {
        node.name: part.reshape(shape_of(node)) for node, part in zip(nodes, parts, strict=True)
    }


def native_int8_values(
    graph: GraphModule, inputs: tuple[torch.Tensor, ...], number: Number
) -> dict[str, torch.Tensor]:
    """Return the inputs and outputs of the int8 layers of a lowered graph, and its float outputs.

    They are computed by a program that has them as outputs, so operations that the program itself
    fuses are separate in it. The values have the names of the nodes of the graph.
    """
    twin = copy.deepcopy(graph)
    layers = list(nodes_calling(twin, *INT8_OPERATORS))
    nodes = [node for layer in layers for node in (layer.args[0], layer)]
    if not layers:
        return {}
    outputs = [
        node for node in twin.graph.output_node().args[0] if node.meta["val"].is_floating_point()
    ]
    wanted = [node for node in dict.fromkeys([*nodes, *outputs]) if node.op == "call_function"]
    return native_values(twin, wanted, inputs, number)


def _described(lowered: LoweredProgram) -> tuple[Metadata, GoldenTensors]:
    """Return what a Session reads before it runs anything."""
    inputs, outputs = _forms(lowered)
    metadata = Metadata(
        schema_version=TENSOR_SCHEMA_VERSION,
        model_name="program",
        target="native",
        precision="fp32",
        created="",
        weights_source="",
        weights_sha256="0" * 64,
        versions={},
        labels=(),
        preprocess=None,
        parity=Difference(0.0, 0.0, 1.0, True),
        golden_tolerance=1.0,
        task=TENSOR,
        input_names=tuple(f"input_{index}" for index in range(len(inputs))),
        output_names=tuple(f"output_{index}" for index in range(len(outputs))),
    )
    golden = GoldenTensors(tuple(map(_zeros, inputs)), tuple(map(_zeros, outputs)))
    return metadata, golden


def _forms(lowered: LoweredProgram) -> tuple[Sequence[TensorForm], Sequence[TensorForm]]:
    """Return the inputs and the outputs of a program."""
    if isinstance(lowered, NativeProgram):
        return lowered.method.inputs, lowered.method.outputs
    from hvit_edge.targets.delegate import Lowered  # imports ExecuTorch's compiler

    assert isinstance(lowered, Lowered)
    program = lowered.edge.exported_program()
    values = {node.name: node.meta["val"] for node in program.graph.nodes if "val" in node.meta}
    signature = program.graph_signature
    return (
        [_form_of(values[name]) for name in signature.user_inputs],
        [_form_of(values[name]) for name in signature.user_outputs],
    )


def _form_of(value: torch.Tensor) -> TensorForm:
    return TensorForm(tuple(value.shape), str(value.dtype).removeprefix("torch."))


def _zeros(form: TensorForm) -> np.ndarray:
    return np.zeros(form.shape, form.dtype)
