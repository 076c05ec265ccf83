"""int8 with ranges taken at run time: no calibration, and float results."""

from __future__ import annotations

from collections.abc import Sequence

from torch.fx import GraphModule

from hvit_edge.lowering.graph import constant_tensor, is_call
from hvit_edge.quantize.insert import insert_dynamic_range, insert_weight
from hvit_edge.quantize.layers import VIEWS, Layer
from hvit_edge.quantize.weights import quantize_weight


def is_dynamic(layer: Layer) -> bool:
    """Whether the delegate takes `layer` with ranges chosen at run time.

    It takes no depthwise convolution, and none behind a permuted view: its layout pass would
    convert the tensor in the middle of the chain, and the program is refused when it runs.
    """
    if layer.is_linear:
        return True
    return not layer.is_depthwise and not is_call(layer.source, *VIEWS)


def quantize_dynamic(graph: GraphModule, layers: Sequence[Layer]) -> None:
    """Let `layers` multiply int8 by int8 and write float, in place."""
    for layer in layers:
        insert_weight(graph, layer, quantize_weight(constant_tensor(graph, layer.weight)))
        insert_dynamic_range(graph, layer)
