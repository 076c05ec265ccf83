"""Find the first layer of a quantized program that differs from its graph."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from hvit_edge.artifact.metadata import Metadata
from hvit_edge.lowering import rewrite
from hvit_edge.parity.bisect import exported_graph
from hvit_edge.parity.fidelity import first_unfaithful
from hvit_edge.parity.forced_layers import forced_layers
from hvit_edge.quantize import Calibration, bundled_calibration
from hvit_edge.targets import target_named
from hvit_edge.targets.target import Job, Sample


def first_unfaithful_layer(
    model: nn.Module, metadata: Metadata, samples: Sequence[Sample]
) -> str | None:
    """Compile a module again as its artifact was, and return the first layer that is wrong.

    Windows of the bundled photos are used for calibration, or `samples` if the module does not take
    photos. The operators of a program do not depend on them.

    Args:
        model: the float module, or a `TensorModule`.
        metadata: metadata of the artifact, compiled for "xnnpack" or "native".
        samples: preprocessed photos or other inputs; the first one is run.

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
        samples=samples,
        cpu=metadata.cpu,
        whole=False,
        **_calibration(metadata, samples),
    )
    graph = exported_graph(model, job.example)
    rewrite(graph, passes=target.applied(metadata))
    prepared = target.prepare(graph, job)
    if prepared.reference is None:
        return None
    program = target.lower(prepared, job)
    known = target.values(prepared, program, job)
    if not known:
        return None
    quantized = prepared.quantized
    outputs = tuple(map(torch.from_numpy, target.run(program, job)(samples[0])))
    layers = forced_layers(quantized.graph, known, job.example, outputs, quantized.arithmetic)
    wrong = first_unfaithful(layers, quantized.arithmetic.layer_db)
    return wrong.layer if wrong else None


def _calibration(metadata: Metadata, samples: Sequence[Sample]) -> dict[str, object]:
    """Return the arguments of a `Job` for its calibration."""
    if metadata.preprocess is None:
        return {"calibration": Calibration(tuple(sample.arrays for sample in samples))}
    preprocess = metadata.preprocess
    return {"default_calibration": lambda count: bundled_calibration(preprocess, count=count)}
