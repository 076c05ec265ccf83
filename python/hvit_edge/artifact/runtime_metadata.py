"""Convert the metadata of the C++ runtime to Python values. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hvit_edge.artifact.metadata import (
    Difference,
    LayerRecord,
    Metadata,
    Method,
    OperatorRecord,
)
from hvit_edge.preprocess import Preprocess
from hvit_edge.tasks import Detect, Embed, Segment
from hvit_edge.tasks.names import PHOTO_TASKS

_OUTPUTS = {task.name: task.output_names for task in (Embed, Segment, Detect)}
"""Names of the outputs by task, which the runtime checks. Those of arrays are in `Session`."""


def metadata_of(native: Any, texts: Mapping[str, str]) -> Metadata:
    """Return the metadata that the C++ runtime has read.

    Args:
        native: a `Metadata` of the extension module.
        texts: the fields of `metadata.SOURCES`, which the runtime does not read.
    """
    parity = native.parity
    return Metadata(
        schema_version=native.schema_version,
        model_name=native.model_name,
        target=native.target,
        precision=native.precision,
        created=native.created,
        weights_source=native.weights_source,
        weights_sha256=native.weights_sha256,
        versions=dict(native.versions),
        labels=tuple(native.labels),
        preprocess=_preprocess(native.preprocess) if native.task in PHOTO_TASKS else None,
        parity=Difference(parity.max_abs, parity.max_rel, parity.cosine, parity.top1_agree),
        golden_tolerance=native.golden_tolerance,
        layers=tuple(LayerRecord(x.name, x.precision, x.sqnr_db) for x in native.layers),
        cpu=native.cpu,
        operators=tuple(OperatorRecord(x.kind, x.module) for x in native.operators),
        task=native.task,
        methods=tuple(Method(m.name, m.batch, (m.height, m.width)) for m in native.methods),
        method=native.method,
        output_names=_OUTPUTS.get(native.task, ()),
        normalize=native.normalize,
        colors=tuple(native.colors),
        detect=_detect(native.detect) if native.task == Detect.name else None,
        **texts,
    )


def _detect(spec: Any) -> Detect:
    return Detect(
        spec.anchors,
        tuple(spec.variances),
        spec.score_threshold,
        spec.iou_threshold,
        spec.candidates,
        spec.max_detections,
    )


def _preprocess(spec: Any) -> Preprocess:
    return Preprocess(
        input_size=(spec.input_height, spec.input_width),
        resize=spec.resize.name.replace("_", "-"),
        resize_size=spec.resize_size,
        interpolation=spec.interpolation.name,
        mean=_floats(spec.mean),
        std=_floats(spec.std),
        channel_order=spec.channel_order.name,
    )


def _floats(values: list[float]) -> tuple[float, float, float]:
    # The runtime holds float32; the shortest decimal of it is the number that was written.
    red, green, blue = (float(str(np.float32(value))) for value in values)
    return red, green, blue
