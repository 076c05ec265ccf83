"""Find the layer of a quantized program that differs from its graph."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch import nn

from hvit_edge.artifact.metadata import Metadata
from hvit_edge.lowering import export_graph, rewrite
from hvit_edge.lowering.pipeline import NATIVE_PIPELINE, applied_passes, pipeline_for
from hvit_edge.parity.fidelity import first_unfaithful
from hvit_edge.parity.forced_layers import forced_layers
from hvit_edge.parity.native_runtime import native_int8_values, native_step
from hvit_edge.parity.steps import executorch_step
from hvit_edge.precision import INT8
from hvit_edge.quantize import PRECISIONS, bundled_calibration, quantize, reference_graph
from hvit_edge.quantize.arithmetic import native_arithmetic, xnnpack_arithmetic
from hvit_edge.targets.native import lower as native
from hvit_edge.targets.native.values import Number
from hvit_edge.targets.xnnpack.lower import lower, program_values


def first_unfaithful_layer(model: nn.Module, metadata: Metadata, example: np.ndarray) -> str | None:
    """Compile a module again like its artifact, and return the first layer that is wrong.

    Calibration uses windows of the bundled photos, because the operators of a program do not depend
    on the images.

    Args:
        model: the float module.
        metadata: metadata of the artifact, compiled for "xnnpack" or "native".
        example: a preprocessed photo, float32 [1, 3, height, width].

    Returns:
        The name of the layer. None if no layer is wrong, or if the artifact mixes precisions by a
        plan, which is not in the artifact.
    """
    precision, is_native = metadata.precision, metadata.target == "native"
    if precision not in PRECISIONS or (is_native and precision not in INT8):
        return None
    inputs = (torch.from_numpy(example),)
    graph = export_graph(model, inputs)
    passes = NATIVE_PIPELINE if is_native else pipeline_for(metadata.cpu, precision)
    rewrite(graph, passes=applied_passes(passes, metadata.rewrites_left_out, metadata.fallback))
    calibration = bundled_calibration(metadata.preprocess) if precision in INT8 else None
    shaped = {} if is_native else {"cpu": metadata.cpu}
    reference = reference_graph(graph, precision)
    quantized = quantize(reference, inputs, precision=precision, calibration=calibration, **shaped)
    if is_native:
        number = Number.FLOAT16 if metadata.cpu == "arm" else Number.FLOAT32
        arithmetic = native_arithmetic(in_half=number is Number.FLOAT16)
        step = native_step(native.lower(quantized, inputs, number, whole=False), example.shape[2:])
        values = partial(native_int8_values, quantized, number=number)
    else:
        lowered, arithmetic = lower(quantized, inputs), xnnpack_arithmetic(quantized)
        step = executorch_step(lowered.serialize())
        values = partial(program_values, quantized, lowered)
    known = values(inputs[0])
    if not known:
        return None
    answer = torch.from_numpy(step(example))
    layers = forced_layers(quantized, known, inputs[0], answer, arithmetic)
    wrong = first_unfaithful(layers, arithmetic.layer_db)
    return wrong.layer if wrong else None
