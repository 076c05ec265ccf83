"""Describe the contents of a Core ML package."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

import torch

from hvit_edge.artifact.package_file import package_bytes
from hvit_edge.coreml import Feature, Package, load_program
from hvit_edge.coreml.blobs import Reference, references
from hvit_edge.coreml.metadata import read_metadata
from hvit_edge.coreml.semantics import declared_dtype
from hvit_edge.inspection.metadata_fields import metadata_fields

MODEL, WEIGHTS = "model.mlmodel", "weight.bin"
EXPANDING = "constexpr_"
AT_THE_EDGES = ("cast", "classify")  # between an app and the program; the CPU computes labels
DYNAMIC = ("gather", "scatter", "non_zero", "non_maximum_suppression", "argsort", "topk", "random")
MAX_RANK = 4


def describe_package(path: str | Path) -> dict:
    """Return what `hvit-edge inspect` shows for a package.

    Returns:
        path, bytes, format ("mlpackage"), sizes (of the specification and of the weights file);
        inputs and outputs of the ML program (lists of {"name", "kind", "dtype", "layout", "shape"},
        null if missing); suppression (of a detector's boxes, see `coreml.suppression`, or null);
        specification (its version) and opset (the first system with all operators); operators (type
        to number of calls), precisions (dtype of the output to number of operators), weights
        (encoding to {"count", "bytes"}), predicted_outside_neural_engine (list of {"operator",
        "type", "reason"}, predicted by rules, see `outside_neural_engine`), compute_units (a hint
        for apps) and metadata (docs/artifact.md).

    Raises:
        ArtifactError: the package is damaged, too new, or not from hvit-edge.
    """
    program = load_program(path)
    package = program.package
    metadata, _ = read_metadata(package.metadata)
    return {
        "path": str(path),
        "bytes": package_bytes(package.path),
        "format": "mlpackage",
        "sizes": _sizes(package),
        "inputs": [_feature(feature) for feature in program.inputs],
        "outputs": [_feature(feature) for feature in program.outputs],
        "suppression": _suppression(package),
        "specification": package.spec.specificationVersion,
        "opset": program.opset,
        "operators": program.counts(),
        "precisions": dict(Counter(map(_precision, program.calls)).most_common()),
        "weights": _weights(package),
        "predicted_outside_neural_engine": list(outside_neural_engine(program.calls)),
        "compute_units": package.metadata.get("hve_compute_units", "all"),
        "metadata": metadata_fields(metadata),
    }


def _suppression(package: Package) -> dict[str, Any] | None:
    if package.suppression is None:
        return None
    return {**asdict(package.suppression), "labels": list(package.suppression.labels)}


def outside_neural_engine(operators: list[Any]) -> Iterator[dict[str, str]]:
    """Yield MIL operators that probably do not run on the Neural Engine; Core ML decides this.

    The Neural Engine computes in float16 on arrays of at most four axes, and cannot use indices
    that are only known at run time. Sources:
    https://machinelearning.apple.com/research/neural-engine-transformers,
    https://github.com/hollance/neural-engine. Casts at the inputs and outputs are not counted.
    """
    for op in operators:
        if op.op_type in AT_THE_EDGES:
            continue
        variables = [*_variables(op), *op.outputs]
        rank = max(len(var.shape or ()) for var in variables)
        reasons = []
        if any(declared_dtype(var) is torch.float32 for var in variables):
            reasons.append("computes in float32")
        if op.op_type.startswith(DYNAMIC):
            reasons.append("uses indices that are only known at run time")
        if rank > MAX_RANK:
            reasons.append(f"has an array of {rank} axes")
        if reasons:
            yield {"operator": op.name, "type": op.op_type, "reason": "; ".join(reasons)}


def _variables(op: Any) -> Iterator[Any]:
    """Yield the inputs of an operator that are not constants."""
    for given in op.inputs.values():
        for var in given if isinstance(given, (list, tuple)) else [given]:
            if var.op is None or var.op.op_type != "const":
                yield var


def _precision(op: Any) -> str:
    dtype = declared_dtype(op.outputs[0])
    return "label" if dtype is None else str(dtype).removeprefix("torch.")


def _feature(feature: Feature) -> dict[str, object]:
    return {
        "name": feature.name,
        "kind": feature.kind,
        "dtype": "uint8" if feature.kind == "image" else feature.dtype,
        "layout": feature.layout,
        "shape": list(feature.shape),
    }


def _sizes(package: Package) -> dict[str, int]:
    weights = package.weights / WEIGHTS
    return {
        MODEL: package.spec.ByteSize(),
        WEIGHTS: weights.stat().st_size if weights.is_file() else 0,
    }


def _weights(package: Package) -> dict[str, dict[str, int]]:
    """Return the constants in the weights file by encoding; scales and palettes count as well."""
    found: dict[str, dict[str, int]] = {}
    for _, group in groupby(references(package.spec), key=lambda blob: (blob.kind, blob.operator)):
        blobs = {blob.argument: blob for blob in group}
        row = found.setdefault(_encoding(blobs), {"count": 0, "bytes": 0})
        row["count"] += 1
        row["bytes"] += sum(blob.bytes for blob in blobs.values())
    return dict(sorted(found.items(), key=lambda item: -item[1]["bytes"]))


def _encoding(blobs: dict[str, Reference]) -> str:
    kind = next(iter(blobs.values())).kind
    if kind == "constexpr_lut_to_dense" and "lut" in blobs:
        # One table of [entries], from iOS 18 on many of [..., entries, values an entry].
        entries = blobs["lut"].shape[-2:][0]
        return f"{math.ceil(math.log2(entries))}-bit palette"
    for data in ("quantized_data", "data"):
        if kind.startswith(EXPANDING) and data in blobs:
            return f"{blobs[data].dtype.lower()} linear"
    if kind.startswith(EXPANDING):
        return kind.removeprefix(EXPANDING)
    return next(iter(blobs.values())).dtype.lower()
