"""Collect the metadata of an artifact when it is compiled."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import version

from hvit_edge.artifact.container import creation_time
from hvit_edge.artifact.metadata import SCHEMA_VERSION, LayerRecord, Metadata, OperatorRecord
from hvit_edge.compiler.gate import Gate
from hvit_edge.errors import first_line_of
from hvit_edge.measures.tolerance import golden_tolerance
from hvit_edge.precision import CPUS
from hvit_edge.targets import target_named
from hvit_edge.targets.lowered_program import OutsideOp
from hvit_edge.weights import weights_digest


def describe_artifact(
    gate: Gate,
    target: str,
    *,
    cpu: str = CPUS[0],
    layers: tuple[LayerRecord, ...] = (),
    operators: tuple[OperatorRecord, ...] = (),
    outside: Iterable[OutsideOp] = (),
) -> Metadata:
    """Return the metadata of an artifact.

    Args:
        gate: gate with the results of all steps; the last comparison with eager PyTorch is the
            parity of the artifact.
        target, cpu: see `compile`.
        layers: records of the quantized layers.
        operators, outside: operators of the delegate, and those outside the delegates, see
            `targets.lowered_program.LoweredProgram`.
    """
    subject, origin = gate.subject, gate.subject.origin
    return Metadata(
        schema_version=SCHEMA_VERSION,
        model_name=origin.name,
        target=target,
        precision=gate.precision,
        created=creation_time(),
        weights_source=origin.weights_source,
        weights_sha256=weights_digest(subject.module),
        versions={package: version(package) for package in target_named(target).packages},
        labels=origin.labels,
        preprocess=origin.preprocess,
        parity=gate.parity,
        golden_tolerance=golden_tolerance(gate.precision, gate.rtol),
        layers=layers,
        cpu=cpu,
        operators=operators,
        preprocess_source=origin.preprocess_source,
        labels_source=origin.labels_source,
        weights_key=origin.weights_key,
        rewrites_left_out="\n".join(
            f"{report.name}\t{first_line_of(report.left_out)}" for report in gate.rewrites_left_out
        ),
        fallback=gate.fallback,
        model_source=origin.model_source,
        model_args=origin.model_args,
        ops_outside="\n".join(f"{each.op}\t{each.module}" for each in outside),
    )
