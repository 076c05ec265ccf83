"""Build ExecuTorch's form of a program whose only operator is the call of a delegate.

inputs, constants that the delegate does not store -> call -> outputs
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from executorch.exir import EdgeProgramManager
from executorch.exir.capture import EdgeCompileConfig
from executorch.exir.delegate import executorch_call_delegate
from executorch.exir.lowered_backend_module import LoweredBackendModule
from executorch.exir.verification.verifier import EXIREdgeDialectVerifier
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.export import ExportedProgram
from torch.export.exported_program import ModuleCallEntry, ModuleCallSignature
from torch.export.graph_signature import ExportGraphSignature
from torch.fx import Graph, Node
from torch.utils._pytree import TreeSpec

from hvit_edge.targets.program_signature import input_specs, output_specs


@dataclass(frozen=True)
class Call:
    """Describes the call of a delegate.

    Attributes:
        delegate: what is called.
        inputs: a tensor of the shape and dtype of each input of the program, by name.
        constants: constants that the program stores for the delegate, by their path in the module.
        arguments: names of inputs and paths of constants, in the order of the delegate.
        results: tensors of the shapes, strides and dtypes of the delegate's outputs.
        outputs: the number of the result that each output of the program is.
        in_spec: how callers pass the inputs.
        out_spec: how callers get the outputs.
    """

    delegate: LoweredBackendModule
    inputs: Mapping[str, torch.Tensor]
    constants: Mapping[str, torch.Tensor]
    arguments: Sequence[str]
    results: Sequence[torch.Tensor]
    outputs: Sequence[int]
    in_spec: TreeSpec
    out_spec: TreeSpec


def program_of(call: Call, config: EdgeCompileConfig) -> EdgeProgramManager:
    """Return the program of `call`."""
    graph, mode = Graph(), FakeTensorMode()
    values = {path: _placeholder(graph, f"b_{path}", t, mode) for path, t in call.constants.items()}
    values |= {name: _placeholder(graph, name, t, mode) for name, t in call.inputs.items()}
    module = graph.get_attr("lowered_module_0")
    arguments = [values[name] for name in call.arguments]
    called = graph.call_function(executorch_call_delegate, (module, *arguments))
    with mode:
        called.meta["val"] = [_like(result) for result in call.results]
    items = [_item(graph, called, number) for number in range(len(call.results))]
    outputs = [items[number] for number in call.outputs]
    graph.output(tuple(outputs))
    program = ExportedProgram(
        root={"lowered_module_0": call.delegate},
        graph=graph,
        graph_signature=_signature(call, values, outputs),
        state_dict=dict(call.constants),
        range_constraints={},
        module_call_graph=[
            ModuleCallEntry("", ModuleCallSignature([], [], call.in_spec, call.out_spec))
        ],
        verifiers=[EXIREdgeDialectVerifier(edge_compile_config=config, class_only=True)],
    )
    return EdgeProgramManager(program, compile_config=config)


def _placeholder(graph: Graph, name: str, tensor: torch.Tensor, mode: FakeTensorMode) -> Node:
    node = graph.placeholder(name.replace(".", "_"))
    node.meta["val"] = mode.from_tensor(tensor, static_shapes=True)
    return node


def _like(result: torch.Tensor) -> torch.Tensor:
    return torch.empty_strided(result.shape, result.stride(), dtype=result.dtype)


def _item(graph: Graph, called: Node, number: int) -> Node:
    item = graph.call_function(operator.getitem, (called, number))
    item.meta["val"] = called.meta["val"][number]
    return item


def _signature(
    call: Call, values: Mapping[str, Node], outputs: Sequence[Node]
) -> ExportGraphSignature:
    constants = {values[path].name: path for path in call.constants}
    inputs = (values[name].name for name in call.inputs)
    return ExportGraphSignature(input_specs(constants, inputs), output_specs(outputs))
