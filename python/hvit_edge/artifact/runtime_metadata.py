"""Convert the metadata of the C++ runtime to Python values. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hvit_edge.artifact.metadata import (
    CLASSIFY,
    Difference,
    LayerRecord,
    Metadata,
    Method,
    OperatorRecord,
)
from hvit_edge.preprocess import Preprocess


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
        preprocess=_preprocess(native.preprocess) if native.task == CLASSIFY else None,
        parity=Difference(parity.max_abs, parity.max_rel, parity.cosine, parity.top1_agree),
        golden_tolerance=native.golden_tolerance,
        layers=tuple(LayerRecord(x.name, x.precision, x.sqnr_db) for x in native.layers),
        cpu=native.cpu,
        operators=tuple(OperatorRecord(x.kind, x.module) for x in native.operators),
        task=native.task,
        methods=tuple(Method(m.name, m.batch, (m.height, m.width)) for m in native.methods),
        method=native.method,
        **texts,
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
