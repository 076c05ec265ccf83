"""From a rewritten float32 graph to one of lower precision."""

from __future__ import annotations

import copy

import torch
from torch.fx import GraphModule

from hvit_edge.errors import InputError
from hvit_edge.lowering.graph import cleanup
from hvit_edge.progress import Wrap, silent
from hvit_edge.quantize.calibration import Calibration
from hvit_edge.quantize.dynamic import is_dynamic, quantize_dynamic
from hvit_edge.quantize.half import quantize_half
from hvit_edge.quantize.layers import find_layers
from hvit_edge.quantize.static import quantize_static

PRECISIONS = ("fp16", "int8", "int8-dynamic")


def quantize(
    graph: GraphModule,
    example_inputs: tuple[torch.Tensor, ...],
    *,
    precision: str,
    calibration: Calibration | None = None,
    progress: Wrap = silent,
) -> GraphModule:
    """A graph of lower precision that lowers to one delegate, float32 at its border.

    Args:
        graph: from `export_graph`, rewritten; it is left as it is.
        example_inputs: as for `lower`.
        precision: "fp16": weights and arithmetic in half precision, averages in float32.
            "int8": int8 weights and arithmetic in convolutions and linears; ranges at run time
            where the delegate can, from `calibration` where it cannot; depthwise convolutions
            stay float32, they have few weights and cost most of the accuracy.
            "int8-dynamic": int8 weights and arithmetic in linears, ranges for each row at run
            time, no calibration.
        calibration: from `calibration_inputs`; needed for "int8" alone.
        progress: wraps the loops over the calibration inputs.

    Raises:
        InputError: an unknown precision, calibration missing, superfluous or of another shape.
    """
    _check(precision, calibration, example_inputs)
    graph = copy.deepcopy(graph)
    layers = find_layers(graph)
    if precision == "fp16":
        quantize_half(graph)
    elif precision == "int8-dynamic":
        quantize_dynamic(graph, [layer for layer in layers if layer.is_linear])
    else:
        inputs = [(torch.from_numpy(array),) for array in calibration.inputs]
        dynamic = [layer for layer in layers if is_dynamic(layer)]
        fixed = [x for x in layers if not (x in dynamic or x.is_depthwise)]
        quantize_static(graph, fixed, inputs, progress=progress)
        quantize_dynamic(graph, dynamic)
    cleanup(graph)
    graph.graph.lint()
    return graph


def _check(
    precision: str, calibration: Calibration | None, example_inputs: tuple[torch.Tensor, ...]
) -> None:
    if precision not in PRECISIONS:
        raise InputError(
            f"[quantize] precision: expected one of {', '.join(PRECISIONS)}, got {precision!r}"
        )
    if precision != "int8":
        if calibration is not None:
            raise InputError(
                f"[quantize] expected no calibration with {precision}, got one; leave it out"
            )
        return
    if calibration is None:
        raise InputError(
            "[quantize] expected calibration images with int8, got none; pass"
            " calibration_inputs(folder, preprocess)"
        )
    wanted, got = tuple(example_inputs[0].shape), calibration.inputs[0].shape
    if len(example_inputs) != 1 or got != wanted:
        raise InputError(
            f"[quantize] calibration: expected one input of shape {list(wanted)}, got {list(got)};"
            " prepare it with the model's own preprocessing"
        )
