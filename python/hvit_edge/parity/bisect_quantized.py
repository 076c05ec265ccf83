"""Find the first layer of a quantized program that differs from its graph."""

from __future__ import annotations

import torch
from torch import nn

from hvit_edge.artifact.metadata import Metadata
from hvit_edge.lowering import export_graph, rewrite
from hvit_edge.parity.fidelity import first_unfaithful
from hvit_edge.parity.forced_layers import forced_layers
from hvit_edge.quantize import bundled_calibration
from hvit_edge.targets import target_named
from hvit_edge.targets.target import Job, Sample


def first_unfaithful_layer(model: nn.Module, metadata: Metadata, sample: Sample) -> str | None:
    """Compile a module again as its artifact was, and return the first layer that is wrong.

    Windows of the bundled photos are used for calibration, because the operators of a program do
    not depend on the images.

    Args:
        model: the float module.
        metadata: metadata of the artifact, compiled for "xnnpack" or "native".
        sample: a preprocessed photo.

    Returns:
        The name of the layer. None if all layers are within their tolerance, if the target does
        not give the values of layers, or if the precision is "auto", because an artifact does not
        contain its plan.
    """
    if metadata.precision == "auto":
        return None
    target = target_named(metadata.target)
    job = Job(
        name=metadata.model_name,
        precision=metadata.precision,
        samples=[sample],
        cpu=metadata.cpu,
        whole=False,
        default_calibration=lambda count: bundled_calibration(metadata.preprocess, count=count),
    )
    graph = export_graph(model, job.example)
    rewrite(graph, passes=target.applied(metadata))
    prepared = target.prepare(graph, job)
    if prepared.reference is None:
        return None
    program = target.lower(prepared, job)
    known = target.values(prepared, program, job)
    if not known:
        return None
    quantized = prepared.quantized
    (answer,) = target.run(program, job)(sample)
    example, output = job.example[0], torch.from_numpy(answer)
    layers = forced_layers(quantized.graph, known, example, output, quantized.arithmetic)
    wrong = first_unfaithful(layers, quantized.arithmetic.layer_db)
    return wrong.layer if wrong else None
