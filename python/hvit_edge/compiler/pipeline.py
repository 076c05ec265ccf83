"""Make a program from a module, and check every step; the steps are the same for every target.

export -> rewrite -> prepare (quantize) -> lower -> run
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from torch.fx import GraphModule

from hvit_edge.artifact.metadata import LayerRecord
from hvit_edge.boundary.free_memory import free_memory
from hvit_edge.compiler.fallback import with_fallback
from hvit_edge.compiler.gate import Gate
from hvit_edge.lowering import Rewrite, rewrite
from hvit_edge.parity.layers import record_layers
from hvit_edge.quantize import Calibration
from hvit_edge.targets.target import Job, Prepared, Target

if TYPE_CHECKING:
    from hvit_edge.targets import AnyProgram


@dataclass(frozen=True)
class Made:
    """Holds a program that passed all checks.

    Attributes:
        program: the program of the target.
        layers: records of the quantized layers, the worst first.
        calibration: the calibration data that was used, for the report; None without any.
    """

    program: AnyProgram
    layers: tuple[LayerRecord, ...]
    calibration: Calibration | None


def make_program(
    target: Target[Any],
    gate: Gate,
    job: Job,
    check: Callable[[AnyProgram], None] = lambda program: None,
) -> Made:
    """Make a program of the gate's module.

    Args:
        target: the target of the program.
        gate: measures each step, and stores the results.
        job: the options of the target.
        check: raises an error if too many operators of a program are outside its delegate.

    Raises:
        LoweringError: the module cannot be exported or lowered.
        ParityError: a step is outside its tolerance.
    """
    passes = target.passes(job.precision, job.cpu)
    attempt = partial(_attempt, target, gate, job, check)
    if not target.falls_back or job.mix is not None:  # a search takes too long to repeat
        return attempt(passes, False)
    return with_fallback(gate, attempt, passes)


def _attempt(
    target: Target[Any],
    gate: Gate,
    job: Job,
    check: Callable[[AnyProgram], None],
    passes: Sequence[Rewrite],
    plainly: bool,
) -> Made:
    job = job.plain() if plainly else job
    gate.reuse.reused.clear()
    graph = rewritten_graph(gate, passes, job.tell)
    prepared = target.prepare(graph, job)
    if prepared.quantized is not None:
        gate.check_quantized(prepared.quantized)
    layers = _layers(gate, prepared, job)
    if prepared.reference is not None:  # calibration and rounding needed more than is left
        del graph
        free_memory()
    program = target.lower(prepared, job)
    check(program)
    check_program(target, gate, prepared, program, job)
    return Made(program, layers, prepared.calibration or job.calibration)


def rewritten_graph(
    gate: Gate, passes: Sequence[Rewrite], tell: Callable[[str], None]
) -> GraphModule:
    """Export the gate's module, rewrite the graph by `passes`, and check it before and after.

    Rewrites are left out if they raise an error, or if the graph is outside its tolerance after
    them. The gate records them.
    """
    tell("export")
    graph = gate.export()
    gate.check_graph("exported", graph)
    tell("rewrite")
    graph, left_out = gate.reuse.rewritten(graph, passes, gate.fault, rewrite)
    gate.rewrites_left_out = tuple(left_out)
    gate.check_graph("rewritten", graph)
    return graph


def check_program(
    target: Target[Any], gate: Gate, prepared: Prepared, program: AnyProgram, job: Job
) -> None:
    """Compare a program with its quantized graph, if it has one, and with eager PyTorch.

    Raises:
        ParityError: the program is outside a tolerance.
    """
    if not target.step:
        return
    quantized = prepared.quantized
    stored = target.stored(prepared, program, job)
    if stored is not None:
        quantized = stored
        gate.check_quantized(stored)
    run = target.run(program, job)
    if prepared.reference is not None:
        free_memory()
    if quantized is not None:
        gate.check_fidelity(run, lambda: target.values(prepared, program, job))
    gate(target.step, run)


def _layers(gate: Gate, prepared: Prepared, job: Job) -> tuple[LayerRecord, ...]:
    """Measure the layers of a quantized graph on calibration data or bundled photos."""
    if prepared.reference is None:
        return ()
    inputs = gate.layer_inputs(job.calibration)
    return record_layers(prepared.reference, prepared.graph, inputs, gate.reuse)
