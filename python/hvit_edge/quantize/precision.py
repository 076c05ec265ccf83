"""Convert a rewritten float32 graph to one of lower precision."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable

import torch
from torch.fx import GraphModule

from hvit_edge.cache.reuse import Reuse
from hvit_edge.errors import InputError
from hvit_edge.lowering.graph import cleanup, shape_of
from hvit_edge.precision import CPUS
from hvit_edge.progress import Wrap, silent
from hvit_edge.quantize.calibration import Calibration, sample_tensors
from hvit_edge.quantize.equalize import equalize
from hvit_edge.quantize.half import quantize_half
from hvit_edge.quantize.int8 import quantize_int8
from hvit_edge.quantize.layers import Layer, find_layers
from hvit_edge.quantize.rounded_layers import rounded_layers

IMAGE_CHANNELS = 4
NARROW = 32
QUANTIZED_PRECISIONS = ("fp16", "int8", "int8-dynamic")
ARM_SHARED_ROWS = 8


def quantize(
    graph: GraphModule,
    example_inputs: tuple[torch.Tensor, ...],
    *,
    precision: str,
    calibration: Calibration | None = None,
    cpu: str = "any",
    is_reference: bool = False,
    adjust: Callable[[GraphModule], None] | None = None,
    reuse: Reuse | None = None,
    progress: Wrap = silent,
) -> GraphModule:
    """Return a graph of lower precision that lowers to one delegate, with float32 inputs and
    outputs.

    Args:
        graph: from `export_graph`, rewritten; it is not changed.
        example_inputs: float32 tensors of the program's fixed shapes.
        precision: "fp16", "int8" or "int8-dynamic".
            "fp16": weights and arithmetic in half precision, averages in float32.
            "int8": int8 weights and arithmetic in linears and convolutions, with ranges taken at
            run time. Depthwise convolutions, narrow ones and those that read the image stay
            float32: they have few weights, cost most of the accuracy, and gain little.
            "int8-dynamic": the same, only in linears, without those that read a single row, such
            as the last one.
        calibration: from `calibration_inputs`; the weights are rounded such that the layers' errors
            on these images are small. "int8" requires it. "int8-dynamic" without it rounds each
            weight to the nearest step. "fp16" refuses it.
        cpu: "any" or "arm". With "arm", "int8" needs fewer instructions of 64-bit Arm: the other
            layers compute in float16, and 8 or more tokens or pixels share a range.
        is_reference: True if `graph` is from `reference_graph` for `precision`.
        adjust: changes the int8 graph in place, before its other layers become float16.
        reuse: weights that were rounded before for the same graph and calibration.
        progress: wraps the loops over the calibration inputs and over the layers.

    Raises:
        InputError: the precision is unknown, or calibration is missing, superfluous or of another
            shape.
    """
    _check(precision, cpu, calibration, example_inputs)
    graph = copy.deepcopy(graph) if is_reference else reference_graph(graph, precision)
    if precision == "fp16":
        quantize_half(graph)
    else:
        chosen = [layer for layer in find_layers(graph) if takes_int8(layer, precision)]
        rounded = None
        if calibration is not None:
            rounded = rounded_layers(graph, chosen, calibration, reuse or Reuse(), progress)
        on_arm = cpu == "arm" and precision == "int8"
        quantize_int8(graph, chosen, rounded, share=ARM_SHARED_ROWS if on_arm else 1)
        if adjust is not None:
            cleanup(graph)
            adjust(graph)
        if on_arm:
            quantize_half(graph)
    cleanup(graph)
    graph.graph.lint()
    return graph


def reference_graph(graph: GraphModule, precision: str) -> GraphModule:
    """Return a copy of a rewritten float graph as it is before rounding: the same function.

    For int8, the channels between layers are equalized, so that the result does not depend on how a
    checkpoint spreads scales over its layers.
    """
    graph = copy.deepcopy(graph)
    if precision != "fp16":
        equalize(graph)
    return graph


def takes_int8(layer: Layer, precision: str) -> bool:
    """Return True if `layer` is int8 in `precision`, which is "int8" or "int8-dynamic"."""
    if precision == "int8-dynamic":
        return layer.is_linear and not has_one_row(layer)
    return layer.is_linear or not (reads_image(layer) or is_narrow(layer) or layer.is_depthwise)


def reads_image(layer: Layer) -> bool:
    """Return True if `layer` reads as few channels as an image has, which makes int8 no faster."""
    return shape_of(layer.weight)[1] <= IMAGE_CHANNELS


def is_narrow(layer: Layer) -> bool:
    """Return True if each output adds so few inputs that rounding them takes the time int8 saves.

    Most depthwise convolutions and, in the first stages, 1x1 convolutions are narrow. They have few
    weights, and their errors reach all later layers.
    """
    return math.prod(shape_of(layer.weight)[1:]) <= NARROW


def has_one_row(layer: Layer) -> bool:
    """Return True if each weight is used once: int8 saves memory, but hardly any arithmetic."""
    return layer.multiply_adds == layer.weight.meta["val"].numel()


def _check(
    precision: str,
    cpu: str,
    calibration: Calibration | None,
    example_inputs: tuple[torch.Tensor, ...],
) -> None:
    if precision not in QUANTIZED_PRECISIONS:
        raise InputError(
            f"[quantize] precision: expected one of {', '.join(QUANTIZED_PRECISIONS)}, got"
            f" {precision!r}"
        )
    if cpu not in CPUS:
        raise InputError(f"[quantize] cpu: expected one of {', '.join(CPUS)}, got {cpu!r}")
    if calibration is None:
        if precision != "int8":
            return
        raise InputError(
            "[quantize] expected calibration images with int8, got none; pass"
            " calibration_inputs(folder, preprocess)"
        )
    if precision == "fp16":
        raise InputError("[quantize] expected no calibration with fp16, got one; leave it out")
    wanted = [list(example.shape) for example in example_inputs]
    got = [list(tensor.shape) for tensor in sample_tensors(calibration.inputs[0])]
    if got != wanted:
        raise InputError(
            f"[quantize] calibration: expected {_inputs_of(wanted)}, got {_inputs_of(got)};"
            " prepare it with the model's own preprocessing"
        )


def _inputs_of(shapes: list[list[int]]) -> str:
    listed = " and ".join(map(str, shapes))
    return f"one input of shape {listed}" if len(shapes) == 1 else f"inputs of shapes {listed}"
