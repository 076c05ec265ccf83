"""Read the tensors that layers compute inside the XNNPACK delegate of a lowered program.

The graph that ExecuTorch hands to the delegate is kept while a program is lowered. A second program
with the same graph has the values that layers read and write as additional outputs. Nothing is
lowered again, so these are the values of the program that is shipped.

    x -> [convert -> int8 layer -> ... ] -> y           the program
    x -> [convert -> int8 layer -> ... ] -> y, taps     the program with taps
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from executorch.backends.xnnpack.serialization.xnnpack_graph_schema import (
    PerTokenDynamicQuant,
    XNNConv2d,
    XNNConvert,
    XNNDatatype,
    XNNDepthwiseConv2d,
    XNNFullyConnected,
    XNNGraph,
    XNNQuantizedTensorValue,
    XNNTensorValue,
    XNode,
    XValue,
)
from executorch.backends.xnnpack.serialization.xnnpack_graph_serialize import (
    serialize_xnnpack_binary,
)
from executorch.backends.xnnpack.utils.utils import get_param_tensor, is_param_node
from executorch.backends.xnnpack.utils.xnnpack_constants import (
    XNN_INVALID_VALUE_ID,
    XNN_VALUE_FLAG_EXTERNAL_INPUT,
    XNN_VALUE_FLAG_EXTERNAL_OUTPUT,
)
from executorch.exir.delegate import executorch_call_delegate
from executorch.exir.lowered_backend_module import LoweredBackendModule
from torch.export import ExportedProgram
from torch.fx import GraphModule, Node

from hvit_edge.errors import LoweringError
from hvit_edge.lowering.graph import aten, is_call, nodes_calling, only_user, shape_of
from hvit_edge.quantize.int8_operators import INT8_OPERATORS, LINEAR
from hvit_edge.quantize.layers import is_helper
from hvit_edge.targets.executorch import executorch_runtime
from hvit_edge.targets.xnnpack.moves import tensor_of
from hvit_edge.targets.xnnpack.patches import before_serializing

TOKENS = (aten.linear.default, LINEAR)
FLOAT_LAYERS = (aten.linear.default, aten.conv2d.default, aten.conv2d.padding)
OPERATORS = (XNNConv2d, XNNDepthwiseConv2d, XNNFullyConnected)
DTYPES = {
    XNNDatatype.xnn_datatype_fp32: torch.float32,
    XNNDatatype.xnn_datatype_fp16: torch.float16,
}


@contextmanager
def recorded_graphs() -> Iterator[list[XNNGraph]]:
    """Collect each graph as it is serialized for the XNNPACK delegate."""
    graphs: list[XNNGraph] = []
    with before_serializing(graphs.append):
        yield graphs


def layer_values(
    graph: GraphModule,
    recorded: XNNGraph,
    program: ExportedProgram,
    inputs: tuple[torch.Tensor, ...],
) -> dict[str, torch.Tensor]:
    """Run a program's delegate and return what its layers compute.

    For an int8 layer, that is its input before it is rounded and its output. For other layers, it
    is the output, if the program has one operator for each of them. Layers that only average are
    left out: after centering, their values are close to zero.

    Args:
        graph: the graph that the program was lowered from.
        recorded: the delegate's graph, see `recorded_graphs`.
        program: ExecuTorch's form of the program; its only operator is the delegate.
        inputs: the program's inputs.

    Returns:
        Tensors by the names of the nodes of `graph`, in the nodes' shapes.

    Raises:
        LoweringError: the program and `graph` differ in their number of int8 layers.
    """
    places = list(_places(graph, recorded))
    stored = _run(recorded, program, inputs, [place.value for place in places])
    return {place.node.name: place.in_order(stored[place.value]) for place in places}


@dataclass(frozen=True)
class _Place:
    """Says which value of the delegate a tensor is; a 4-D one is a map unless `layer` is linear."""

    node: Node
    value: int
    layer: Node

    def in_order(self, stored: torch.Tensor) -> torch.Tensor:
        """Return the stored value in PyTorch's order of dimensions."""
        shape = shape_of(self.node)
        if self.layer.target in TOKENS or len(shape) != 4:
            return stored.reshape(shape)
        batch, channels, height, width = shape
        return stored.reshape(batch, height, width, channels).permute(0, 3, 1, 2).contiguous()


def _places(graph: GraphModule, recorded: XNNGraph) -> Iterator[_Place]:
    operators = [node for node in recorded.xnodes if isinstance(node.xnode_union, OPERATORS)]
    rounded = {
        node.xnode_union.output_id: node.xnode_union.input_id
        for node in recorded.xnodes
        if isinstance(node.xnode_union, XNNConvert)
    }
    int8 = [node for node in operators if _is_int8(node, recorded)]
    layers = list(nodes_calling(graph, *INT8_OPERATORS))
    if len(layers) != len(int8):
        raise LoweringError(
            f"[xnnpack] expected a program with the {len(layers)} int8 layers of its graph, got"
            f" {len(int8)}; report it with the model, and compile in fp32 meanwhile"
        )
    for layer, node in zip(layers, int8, strict=True):
        operator = node.xnode_union
        yield _Place(layer.args[0], rounded[operator.input1_id], layer)
        yield _Place(layer, operator.output_id, layer)
    others = [node for node in operators if node not in int8]
    floats = list(nodes_calling(graph, *FLOAT_LAYERS))
    if len(floats) == len(others):
        for layer, node in zip(floats, others, strict=True):
            written = _written(layer, node)
            if written is not None and not is_helper(graph, layer):
                yield _Place(written, node.xnode_union.output_id, layer)


def _is_int8(node: XNode, recorded: XNNGraph) -> bool:
    """Return True if an operator reads values that were rounded at run time."""
    value = recorded.xvalues[node.xnode_union.input1_id].xvalue_union
    return isinstance(value, XNNQuantizedTensorValue) and isinstance(
        value.quant_params, PerTokenDynamicQuant
    )


def _written(layer: Node, node: XNode) -> Node | None:
    """Return the node that an operator writes: the layer, or a ReLU that was fused into it."""
    if node.output_min_max is None:
        return layer
    user = only_user(layer)
    return user if is_call(user, aten.relu.default) else None


def run_delegate(
    recorded: XNNGraph, program: ExportedProgram, inputs: tuple[torch.Tensor, ...]
) -> list[torch.Tensor]:
    """Run a graph in place of a program's delegate and return its outputs.

    Args:
        recorded: a graph of `recorded_graphs`, which may have been changed.
        program: ExecuTorch's form of the program; its only operator is the delegate.
        inputs: the program's inputs.
    """
    values = _run(recorded, program, inputs, [])
    return [values[number] for number in _outputs(recorded)]


def _run(
    recorded: XNNGraph,
    program: ExportedProgram,
    given: tuple[torch.Tensor, ...],
    wanted: Sequence[int],
) -> dict[int, torch.Tensor]:
    """Return by id the `wanted` values of the delegate's graph, and its inputs and outputs."""
    delegate, inputs = _call(program, given)
    tapped, ids = _with_outputs(recorded, wanted)
    values = {tensor_of(value).id_out: tensor_of(value) for value in recorded.xvalues}
    tapping = LoweredBackendModule(
        _stand_in(inputs, [(values[i].dims, DTYPES[values[i].datatype]) for i in ids]),
        delegate.backend_id,
        serialize_xnnpack_binary(tapped, bytearray()),
        delegate.compile_specs,
        delegate.named_data_store_output,
    )
    loaded = executorch_runtime().load_program(tapping.buffer())
    results = loaded.load_method("forward").execute(inputs)
    found = {i: result.clone() for i, result in zip(ids, results, strict=True)}
    for i, value in values.items():
        if value.flags & XNN_VALUE_FLAG_EXTERNAL_INPUT:
            found[i] = inputs[value.external_id]
    return found


def _call(
    program: ExportedProgram, given: tuple[torch.Tensor, ...]
) -> tuple[LoweredBackendModule, list[torch.Tensor]]:
    """Return the delegate of a program, and the tensors that it is called with for `given`."""
    (call,) = (n for n in program.graph.nodes if n.target is executorch_call_delegate)
    module, *arguments = call.args
    named = dict(zip(program.graph_signature.user_inputs, given, strict=True))
    inputs = [
        get_param_tensor(program, node) if is_param_node(program, node) else named[node.name]
        for node in arguments
    ]
    delegate = getattr(program.graph_module, module.target)
    return delegate, [tensor.detach().contiguous() for tensor in inputs]


def _with_outputs(graph: XNNGraph, wanted: Sequence[int]) -> tuple[XNNGraph, list[int]]:
    """Return `graph` with `wanted` as more outputs, and the ids of all outputs in program order."""
    tensors = {tensor_of(value).id_out: tensor_of(value) for value in graph.xvalues}
    inner = [i for i in dict.fromkeys(wanted) if tensors[i].external_id == XNN_INVALID_VALUE_ID]
    external = {i: graph.num_externs + number for number, i in enumerate(inner)}
    xvalues = [_as_output(value, external) for value in graph.xvalues]
    more = replace(graph, xvalues=xvalues, num_externs=graph.num_externs + len(inner))
    return more, [*_outputs(graph), *inner]


def _outputs(graph: XNNGraph) -> list[int]:
    """Return the ids of a graph's outputs in program order."""
    tensors = sorted(map(tensor_of, graph.xvalues), key=lambda tensor: tensor.external_id)
    return [t.id_out for t in tensors if t.flags & XNN_VALUE_FLAG_EXTERNAL_OUTPUT]


def _as_output(value: XValue, external: dict[int, int]) -> XValue:
    tensor = value.xvalue_union
    number = external.get(tensor.id_out) if isinstance(tensor, XNNTensorValue) else None
    if number is None:
        return value
    flags = tensor.flags | XNN_VALUE_FLAG_EXTERNAL_OUTPUT
    return XValue(replace(tensor, external_id=number, flags=flags))


def _stand_in(
    inputs: Sequence[torch.Tensor], shapes: Sequence[tuple[list[int], torch.dtype]]
) -> ExportedProgram:
    """Return a program that has the delegate's inputs and outputs but computes only zeros."""

    class Outputs(torch.nn.Module):
        def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
            return tuple(torch.zeros(shape, dtype=dtype) for shape, dtype in shapes)

    return torch.export.export(Outputs(), tuple(inputs))
