"""Serialize the casts of `half_casts` for the XNNPACK delegate.

XNNPACK has the operator (`xnn_define_convert`), and the runtime passes it on. But ExecuTorch's
partitioner of this version refuses every `_to_copy` that changes the dtype, and its removal of
opposite layout copies would drop one. So `hvit_edge::cast` has an entry for the partitioner and one
for the serializer.
"""

from __future__ import annotations

from executorch.backends.xnnpack.operators.node_visitor import NodeVisitor, register_node_visitor
from executorch.backends.xnnpack.partition import config
from executorch.backends.xnnpack.partition.config.generic_node_configs import (
    GenericNodePartitionerConfig,
)
from executorch.backends.xnnpack.partition.config.xnnpack_config import ConfigPrecisionType
from executorch.backends.xnnpack.serialization.xnnpack_graph_schema import (
    XNNConvert,
    XNNGraph,
    XNode,
)
from executorch.backends.xnnpack.utils.utils import get_input_node
from torch.fx import Node

from hvit_edge.quantize import half_casts  # noqa: F401  (defines the operator)


class CastConfig(GenericNodePartitionerConfig):
    """Makes the partitioner accept a cast."""

    target_name = "cast.default"

    def supported_precision_types(self) -> list[ConfigPrecisionType]:
        """Return only floating point."""
        return [ConfigPrecisionType.FP32]


class CastVisitor(NodeVisitor):
    """Serializes a cast as a conversion."""

    target = "hvit_edge.cast.default"

    def define_node(
        self, node: Node, xnn_graph: XNNGraph, vals_to_ids: dict[Node, int], debug_handle: int
    ) -> None:
        """Append the operator for `node` to `xnn_graph`."""
        source = get_input_node(node, 0)
        self.define_tensor(source, xnn_graph, vals_to_ids)
        self.define_tensor(node, xnn_graph, vals_to_ids)
        conversion = XNNConvert(vals_to_ids[source], vals_to_ids[node], flags=0)
        xnn_graph.xnodes.append(XNode(xnode_union=conversion, debug_handle=debug_handle))


def register_cast() -> None:
    """Register the operator with ExecuTorch's XNNPACK lowering; further calls do nothing."""
    register_node_visitor(CastVisitor)
    if CastConfig not in config.ALL_PARTITIONER_CONFIGS:
        config.ALL_PARTITIONER_CONFIGS.append(CastConfig)
