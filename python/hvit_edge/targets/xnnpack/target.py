"""Make ExecuTorch programs with one XNNPACK delegate, which run on any CPU."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch.fx import GraphModule, Node

from hvit_edge.artifact.container import Arrays
from hvit_edge.errors import LoweringError, first_line
from hvit_edge.lowering import Rewrite, pipeline_for
from hvit_edge.precision import XNNPACK_PACKAGES
from hvit_edge.quantize import quantize, reference_graph
from hvit_edge.quantize.arithmetic import xnnpack_arithmetic
from hvit_edge.quantize.cost import Step
from hvit_edge.targets.delegate import Lowered, serialize
from hvit_edge.targets.executorch import executorch_run, executorch_step
from hvit_edge.targets.sensitive_layers import SensitiveLayers
from hvit_edge.targets.target import Job, Prepared, Quantized, Run, Sample, Target, Values
from hvit_edge.targets.xnnpack.lower import lower, program_values


class XnnpackTarget(Target[Lowered]):
    """Makes programs for ExecuTorch's XNNPACK delegate."""

    name = "xnnpack"
    step = "lowered"
    packages = XNNPACK_PACKAGES
    falls_back = True

    def passes(self, precision: str, cpu: str) -> Sequence[Rewrite]:
        """Return the rewrites of a program."""
        return pipeline_for(cpu, precision)

    def prepare(self, graph: GraphModule, job: Job) -> Prepared:
        """Quantize a graph as `job` asks."""
        if job.precision == "fp32":
            return Prepared(graph)
        job.tell("quantise")
        calibration = None if job.precision == "fp16" else job.calibrated()
        reference = reference_graph(graph, job.precision)
        sensitive = SensitiveLayers(reference, job)
        if job.mix is not None:
            made = job.mix(reference, job.needed_calibration())
        else:
            made = quantize(
                reference,
                job.example,
                precision=job.precision,
                calibration=calibration,
                cpu=job.cpu,
                is_reference=True,
                adjust=sensitive,
                reuse=job.reuse,
                progress=job.progress,
            )
        arithmetic = xnnpack_arithmetic(made)
        return Prepared(made, Quantized(made, arithmetic), reference, sensitive.calibration)

    def lower(self, prepared: Prepared, job: Job) -> Lowered:
        """Lower a graph for the delegate."""
        job.tell("lower")
        return lower(prepared.graph, job.example, plainly=job.plainly)

    def serialize(
        self, programs: Mapping[str, Lowered], constant_methods: Mapping[str, object]
    ) -> bytes:
        """Return the bytes of one program; XNNPACK's weights are named data, stored once."""
        return serialize(programs, constant_methods)

    def run(self, program: Lowered, job: Job) -> Run:
        """Return a function that runs the program in ExecuTorch's own Python runtime."""
        try:
            run = executorch_run(program.serialize())
        except RuntimeError as error:
            raise LoweringError(
                f"[compile] expected a program that ExecuTorch loads, got {first_line(error)};"
                " change the module, such as tensors of more than six dimensions, or compile for"
                " another target"
            ) from error

        def named(sample: Sample) -> Arrays:
            try:
                return run(sample.arrays)
            except RuntimeError as error:
                raise _kernel_error(program, error) from error

        return named

    def values(self, prepared: Prepared, program: Lowered, job: Job) -> Values:
        """Return what the layers of a program compute, if all of it is in one delegate."""
        return program_values(prepared.graph, program, job.example)

    def node_values(
        self, graph: GraphModule, nodes: Sequence[Node], inputs: tuple[torch.Tensor, ...]
    ) -> Values:
        """Lower the graph with all of `nodes` as outputs, and run it."""
        graph.graph.output_node().args = (tuple(nodes),)
        graph.graph.set_codegen(torch.fx.graph.CodeGen())
        graph.recompile()
        results = executorch_run(lower(graph, inputs).serialize())(
            tuple(tensor.numpy() for tensor in inputs)
        )
        return {
            node.name: torch.from_numpy(result) for node, result in zip(nodes, results, strict=True)
        }


def runnable(graph: GraphModule, inputs: tuple[torch.Tensor, ...]) -> Step:
    """Lower a graph, and return a function that runs its program on one array."""
    return executorch_step(lower(graph, inputs).serialize())


def _kernel_error(program: Lowered, error: RuntimeError) -> LoweringError:
    """Return an error that names the operators whose kernel may have refused to run."""
    listed = "".join(f"\n  {o.op} in {o.module or 'the root'}" for o in program.ops_outside)
    return LoweringError(
        "[compile] expected operators outside the delegate whose kernels support these shapes"
        f" and dtypes, got {first_line(error)}; change them in the module, or compile for"
        f" another target. Outside are:{listed or ' none'}"
    )
