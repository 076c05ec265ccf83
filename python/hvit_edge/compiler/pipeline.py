"""The road from a module to a program, gated step by step; the same one for every target.

export -> rewrite -> prepare (quantize) -> lower -> run
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from torch.fx import GraphModule

from hvit_edge.artifact.metadata import LayerRecord
from hvit_edge.compiler.fallback import with_fallback
from hvit_edge.compiler.gate import Gate
from hvit_edge.lowering import Rewrite, rewrite
from hvit_edge.parity.layers import record_layers
from hvit_edge.quantize import Calibration
from hvit_edge.targets.target import Job, Prepared, Target


@dataclass(frozen=True)
class Made:
    """A program that passed every gate.

    Attributes:
        program: what the target made.
        layers: the records of the quantized layers, the worst first.
        calibration: for the report; None if nothing was given to calibrate on.
    """

    program: object
    layers: tuple[LayerRecord, ...]
    calibration: Calibration | None


def make_program(
    target: Target, gate: Gate, job: Job, check: Callable[[object], None] = lambda program: None
) -> Made:
    """Make a program of the gate's module.

    Args:
        target: what it is made for.
        gate: measures each step, and keeps the results.
        job: what the target needs to know.
        check: refuses a program that leaves too much outside its delegate.

    Raises:
        LoweringError: the module cannot be exported or lowered.
        ParityError: a step is outside its tolerance.
    """
    passes = target.passes(job.precision, job.cpu)
    attempt = partial(_attempt, target, gate, job, check)
    if not target.falls_back or job.mix is not None:  # a search is not made twice
        return attempt(passes, False)
    return with_fallback(gate, attempt, passes)


def _attempt(
    target: Target,
    gate: Gate,
    job: Job,
    check: Callable[[object], None],
    passes: Sequence[Rewrite],
    plainly: bool,
) -> Made:
    job = job.plain() if plainly else job
    graph = rewritten_graph(gate, passes, job.tell)
    prepared = target.prepare(graph, job)
    if prepared.quantized is not None:
        gate.check_quantized(prepared.quantized)
    layers = _layers(gate, prepared, job)
    program = target.lower(prepared, job)
    check(program)
    check_program(target, gate, prepared, program, job)
    return Made(program, layers, prepared.calibration or job.calibration)


def rewritten_graph(
    gate: Gate, passes: Sequence[Rewrite], tell: Callable[[str], None]
) -> GraphModule:
    """Return the gate's module as a graph, rewritten by `passes`; both forms are gated.

    The gate keeps the rewrites that were left out: those that raised, and those after which the
    graph no longer passed the gate.
    """
    tell("export")
    graph = gate.export()
    gate.check_graph("exported", graph)
    tell("rewrite")
    reports = rewrite(graph, passes=passes, check=gate.fault)
    gate.rewrites_left_out = tuple(report for report in reports if report.left_out)
    gate.check_graph("rewritten", graph)
    return graph


def check_program(
    target: Target, gate: Gate, prepared: Prepared, program: object, job: Job
) -> None:
    """Gate a program: by its quantized graph if it has one, and by eager PyTorch.

    Raises:
        ParityError: the program computes something else.
    """
    if not target.step:
        return
    quantized = prepared.quantized
    stored = target.stored(prepared, program, job)
    if stored is not None:
        quantized = stored
        gate.check_quantized(stored)
    run = target.run(program, job)
    if quantized is not None:
        gate.check_fidelity(run, lambda: target.values(prepared, program, job))
    gate(target.step, run)


def _layers(gate: Gate, prepared: Prepared, job: Job) -> tuple[LayerRecord, ...]:
    """Measure the layers of a quantized graph on calibration data or bundled photos."""
    if prepared.reference is None:
        return ()
    inputs = gate.layer_inputs(job.calibration)
    return record_layers(prepared.reference, prepared.graph, inputs)
