"""Serialize the int8 layers of `int8_operators` as XNNPACK operators.

A conversion to qd8 comes first, one for all readers of a value. It is followed by a fully connected
operator for `int8_linear`, with a range for each row; by the same for `int8_pointwise`, on a map
whose channels are last; or by a convolution for `int8_conv2d`, with one range for the map. If
several rows share a range, the operator is a 1x1 convolution of narrow maps, one for each range:

    int8_linear(x, ..., rows)    x -> reshape [n, 1, rows, inputs] -> convert -> conv2d -> reshape
"""

from __future__ import annotations

import math

import torch
from executorch.backends.xnnpack._passes.channels_last_tagged_reshape_pass import (
    ChannelsLastTaggedReshapePass,
)
from executorch.backends.xnnpack.operators.node_visitor import NodeVisitor, register_node_visitor
from executorch.backends.xnnpack.operators.quant_params import QuantParams
from executorch.backends.xnnpack.partition import config
from executorch.backends.xnnpack.partition.config.generic_node_configs import (
    GenericNodePartitionerConfig,
)
from executorch.backends.xnnpack.partition.config.xnnpack_config import ConfigPrecisionType
from executorch.backends.xnnpack.serialization.xnnpack_graph_schema import (
    OutputMinMax,
    PerTokenDynamicQuant,
    XNNConv2d,
    XNNConvert,
    XNNDatatype,
    XNNFullyConnected,
    XNNGraph,
    XNNQuantizedTensorValue,
    XNNStaticReshape,
    XNNTensorValue,
    XNode,
    XValue,
)
from executorch.backends.xnnpack.utils.utils import get_param_tensor, is_param_node
from executorch.backends.xnnpack.utils.xnnpack_constants import XNN_INVALID_VALUE_ID
from executorch.exir.dialects._ops import ops as exir_ops
from torch.export import ExportedProgram
from torch.fx import Node

from hvit_edge.quantize import int8_operators  # noqa: F401  (defines the operators)

NO_MATCHING_FLAG = 0
BUFFER_OF_NO_CONSTANT = 0
NO_FULLY_CONNECTED = (2, 1)
"""Strides on a map of one row that keep XNNPACK from making a 1x1 convolution fully connected.

It does that if the strides are 1, and then writes float32, whatever the output is declared as.
"""


class Int8LinearConfig(GenericNodePartitionerConfig):
    """Makes the partitioner accept `int8_linear`."""

    target_name = "int8_linear.default"

    def supported_precision_types(self) -> list[ConfigPrecisionType]:
        """Return float: the partitioner sees the operator as a float one."""
        return [ConfigPrecisionType.FP32]

    def get_node_and_deps(self, node: Node, ep: ExportedProgram) -> list[Node]:
        """Return the operator and its constants, which then belong to the delegate."""
        return [node, *(source for source in node.all_input_nodes if is_param_node(ep, source))]

    def check_constraints(self, node: Node, ep: ExportedProgram) -> bool:
        """Return True always, because the general rule would refuse int8 in a float32 operator."""
        return True


class Int8PointwiseConfig(Int8LinearConfig):
    """Makes the partitioner accept `int8_pointwise`."""

    target_name = "int8_pointwise.default"


class Int8Conv2dConfig(Int8LinearConfig):
    """Makes the partitioner accept `int8_conv2d`."""

    target_name = "int8_conv2d.default"


class Int8Visitor(NodeVisitor):
    """Serializes what the three operators have in common: x, weight, scales, bias, relu."""

    def define_operands(
        self,
        node: Node,
        graph: XNNGraph,
        ids: dict[Node, int],
        *,
        channels_last: bool,
        rows: int | None,
    ) -> dict[str, int]:
        """Define input, int8 input, weights, bias and output; return their ids by argument name.

        `rows` rows share a range; None stands for the rows of a map.
        """
        x, weight, scales, bias = node.args[:4]
        self.define_tensor(x, graph, ids, convert_to_nhwc=channels_last)
        is_map = weight.meta["val"].dim() == 4
        self.define_tensor(
            weight,
            graph,
            ids,
            convert_to_nhwc=is_map,
            quant_params=self._weight_params(weight, scales),
        )
        if bias is not None:
            self.define_tensor(bias, graph, ids, force_fp32=True)
        self.define_tensor(node, graph, ids, convert_to_nhwc=channels_last)
        return {
            "input1_id": self._rounded(ids[x], graph, rows),
            "filter_id": ids[weight],
            "bias_id": XNN_INVALID_VALUE_ID if bias is None else ids[bias],
            "output_id": ids[node],
        }

    def _weight_params(self, weight: Node, scales: Node) -> QuantParams:
        values = get_param_tensor(self.exported_program, scales)
        return QuantParams(
            per_channel=True,
            q_input=weight,
            scale=values,
            zp=torch.zeros(len(values), dtype=torch.int64),
            axis=0,
            dtype=torch.int8,
            qmax=127,
            qmin=-127,
            is_output=False,
            is_input=False,
        )

    def _rounded(self, source: int, graph: XNNGraph, rows: int | None) -> int:
        if rows == 1:
            return self._convert(source, graph, row=1)
        if rows is None:
            return self._convert(source, graph, row=3)
        whole = _value(graph, source)
        key = (source, rows)
        reshaped = graph.__dict__.setdefault("hvit_edge_reshaped", {})
        if key not in reshaped:
            inputs = whole.dims[-1]
            batches = math.prod(whole.dims) // (rows * inputs)
            reshaped[key] = _add(graph, whole.datatype, [batches, 1, rows, inputs])
            _reshape(graph, source, reshaped[key])
        return self._convert(reshaped[key], graph, row=3)

    def _convert(self, source: int, graph: XNNGraph, row: int) -> int:
        """Append a conversion of value `source` to int8, with a range for each last `row`
        dimensions.
        """
        key = (source, row)
        converted = graph.__dict__.setdefault("hvit_edge_converted", {})
        if key not in converted:
            dims = _value(graph, source).dims
            target = _add(graph, XNNDatatype.xnn_datatype_qdint8, dims, nonbatch=row)
            graph.xnodes.append(XNode(XNNConvert(source, target, flags=0), debug_handle=0))
            converted[key] = target
        return converted[key]

    def append(self, node: Node, graph: XNNGraph, operator: object, debug_handle: int) -> None:
        """Append `operator`, with the ReLU that is part of `node`."""
        bounds = OutputMinMax(output_min=0, output_max="+inf") if node.args[4] else None
        graph.xnodes.append(XNode(operator, debug_handle, bounds))


def _value(graph: XNNGraph, wanted: int) -> XNNTensorValue:
    for entry in graph.xvalues:
        value = getattr(entry.xvalue_union, "tensor_value", entry.xvalue_union)
        if value.id_out == wanted:
            return value
    raise AssertionError(f"value {wanted} is not defined")


def _add(graph: XNNGraph, dtype: XNNDatatype, dims: list[int], nonbatch: int = 0) -> int:
    """Define a value inside the delegate; with `nonbatch` dimensions, it is int8 with ranges."""
    added = len(graph.xvalues)
    value = XNNTensorValue(
        datatype=dtype,
        num_dims=len(dims),
        dims=list(dims),
        constant_buffer_idx=BUFFER_OF_NO_CONSTANT,
        external_id=XNN_INVALID_VALUE_ID,
        flags=NO_MATCHING_FLAG,
        id_out=added,
    )
    if nonbatch:
        value = XNNQuantizedTensorValue(value, PerTokenDynamicQuant(num_nonbatch_dims=nonbatch))
    graph.xvalues.append(XValue(xvalue_union=value))
    return added


def _reshape(graph: XNNGraph, source: int, target: int) -> None:
    dims = _value(graph, target).dims
    operator = XNNStaticReshape(len(dims), list(dims), source, target, flags=0)
    graph.xnodes.append(XNode(operator, debug_handle=0))


class Int8LinearVisitor(Int8Visitor):
    """Serializes `int8_linear`."""

    target = "hvit_edge.int8_linear.default"
    channels_last = False

    def define_node(
        self, node: Node, xnn_graph: XNNGraph, vals_to_ids: dict[Node, int], debug_handle: int
    ) -> None:
        """Append the operators for `node` to `xnn_graph`."""
        rows = node.args[5] if len(node.args) > 5 else 1
        operands = self.define_operands(
            node, xnn_graph, vals_to_ids, channels_last=self.channels_last, rows=rows
        )
        if rows == 1:
            self.append(node, xnn_graph, XNNFullyConnected(**operands, flags=0), debug_handle)
            return
        output = operands["output_id"]
        whole = _value(xnn_graph, output)
        outputs = whole.dims[-1]
        batches = math.prod(whole.dims) // (rows * outputs)
        operands["output_id"] = _add(xnn_graph, whole.datatype, [batches, 1, rows, outputs])
        kernel = node.args[1].meta["val"].shape
        operator = _conv2d(operands, kernel, stride=NO_FULLY_CONNECTED)
        self.append(node, xnn_graph, operator, debug_handle)
        _reshape(xnn_graph, operands["output_id"], output)


class Int8PointwiseVisitor(Int8LinearVisitor):
    """Serializes `int8_pointwise`."""

    target = "hvit_edge.int8_pointwise.default"
    channels_last = True


class Int8Conv2dVisitor(Int8Visitor):
    """Serializes `int8_conv2d`."""

    target = "hvit_edge.int8_conv2d.default"

    def define_node(
        self, node: Node, xnn_graph: XNNGraph, vals_to_ids: dict[Node, int], debug_handle: int
    ) -> None:
        """Append the operators for `node` to `xnn_graph`."""
        operands = self.define_operands(node, xnn_graph, vals_to_ids, channels_last=True, rows=None)
        operator = _conv2d(operands, node.args[1].meta["val"].shape, *node.args[5:])
        self.append(node, xnn_graph, operator, debug_handle)


def _conv2d(
    operands: dict[str, int],
    kernel: tuple[int, int, int, int],
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
    dilation: tuple[int, int] = (1, 1),
    groups: int = 1,
) -> XNNConv2d:
    outputs, inputs, height, width = kernel
    return XNNConv2d(
        **operands,
        padding_top=padding[0],
        padding_bottom=padding[0],
        padding_left=padding[1],
        padding_right=padding[1],
        kernel_height=height,
        kernel_width=width,
        subsampling_height=stride[0],
        subsampling_width=stride[1],
        dilation_height=dilation[0],
        dilation_width=dilation[1],
        group_input_channels=inputs,
        group_output_channels=outputs // groups,
        groups=groups,
        adjustment_height=0,
        adjustment_width=0,
        flags=0,
    )


VISITORS = (Int8LinearVisitor, Int8PointwiseVisitor, Int8Conv2dVisitor)
CONFIGS = (Int8LinearConfig, Int8PointwiseConfig, Int8Conv2dConfig)


def register_int8() -> None:
    """Register the operators with ExecuTorch's XNNPACK lowering; further calls do nothing."""
    for visitor in VISITORS:
        register_node_visitor(visitor)
    for entry in CONFIGS:
        if entry not in config.ALL_PARTITIONER_CONFIGS:
            config.ALL_PARTITIONER_CONFIGS.append(entry)
    layouts = ChannelsLastTaggedReshapePass
    layouts.memory_sensitive_ops_nchw.add(exir_ops.edge.hvit_edge.int8_linear.default)
    layouts.memory_sensitive_ops_nhwc.add(exir_ops.edge.hvit_edge.int8_pointwise.default)
    layouts.memory_sensitive_ops_nhwc.add(exir_ops.edge.hvit_edge.int8_conv2d.default)
