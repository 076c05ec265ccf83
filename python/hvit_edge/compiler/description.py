"""Collect the metadata of an artifact during compilation."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version

from hvit_edge.artifact.container import creation_time
from hvit_edge.artifact.metadata import SCHEMA_VERSION, LayerRecord, Metadata, OperatorRecord
from hvit_edge.compiler.fallback import first_line_of
from hvit_edge.compiler.gate import Gate
from hvit_edge.compiler.subject import Subject
from hvit_edge.measures.tolerance import golden_tolerance
from hvit_edge.precision import CPUS
from hvit_edge.weights import weights_digest

XNNPACK_PACKAGES = ("hvit-edge", "torch", "executorch")
COREML_PACKAGES = ("hvit-edge", "torch", "coremltools")


def describe_artifact(
    subject: Subject,
    target: str,
    gate: Gate,
    packages: Sequence[str],
    layers: tuple[LayerRecord, ...] = (),
    cpu: str = CPUS[0],
    operators: tuple[OperatorRecord, ...] = (),
) -> Metadata:
    """Return the metadata of an artifact.

    Args:
        subject: the compiled subject.
        target: the target.
        gate: the gate with the steps so far; the last one gives the parity of the artifact.
        packages: names of packages whose versions are recorded.
        layers: records of quantized layers.
        cpu: the CPU that the program is optimized for.
        operators: operators of the delegate, see `targets.delegate.Lowered`.
    """
    return Metadata(
        schema_version=SCHEMA_VERSION,
        model_name=subject.origin.name,
        target=target,
        precision=gate.precision,
        created=creation_time(),
        weights_source=subject.origin.weights_source,
        weights_sha256=weights_digest(subject.module),
        versions={package: version(package) for package in packages},
        labels=subject.origin.labels,
        preprocess=subject.origin.preprocess,
        parity=gate.parity,
        golden_tolerance=golden_tolerance(gate.precision, gate.rtol),
        layers=layers,
        cpu=cpu,
        operators=operators,
        preprocess_source=subject.origin.preprocess_source,
        labels_source=subject.origin.labels_source,
        weights_key=subject.origin.weights_key,
        rewrites_left_out="\n".join(
            f"{report.name}\t{first_line_of(report.left_out)}" for report in gate.rewrites_left_out
        ),
        fallback=gate.fallback,
        model_source=subject.origin.model_source,
        model_args=subject.origin.model_args,
    )
