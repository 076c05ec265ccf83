"""Make ExecuTorch programs for the native backend, which only our own runtime has.

The program has the metadata and the golden sample of any `.pte`. ExecuTorch's other runtimes do not
know the backend and refuse it, so a program is measured in the C++ runtime.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch.fx import GraphModule, Node

from hvit_edge.lowering import NATIVE_PIPELINE, Rewrite
from hvit_edge.precision import INT8, XNNPACK_PACKAGES
from hvit_edge.quantize import quantize, reference_graph
from hvit_edge.quantize.arithmetic import native_arithmetic
from hvit_edge.targets.lowered_program import LoweredProgram
from hvit_edge.targets.native.constant_pool import ConstantPool
from hvit_edge.targets.native.lower import lower
from hvit_edge.targets.native.program import serialize
from hvit_edge.targets.native.runtime import native_int8_values, native_run, native_values
from hvit_edge.targets.native.values import Number
from hvit_edge.targets.sensitive_layers import SensitiveLayers
from hvit_edge.targets.target import Job, Prepared, Quantized, Run, Target, Values


class NativeTarget(Target[LoweredProgram]):
    """Makes programs for the backend of our own C++ runtime."""

    name = "native"
    step = "runtime"
    packages = XNNPACK_PACKAGES

    def passes(self, precision: str, cpu: str) -> Sequence[Rewrite]:
        """Return the rewrites of a program, which are the same for all precisions."""
        return NATIVE_PIPELINE

    def prepare(self, graph: GraphModule, job: Job) -> Prepared:
        """Quantize a graph in int8; in float16 the program itself rounds the weights."""
        if job.precision == "fp32":
            return Prepared(graph)
        in_half = number_of(job.precision, job.cpu) is Number.FLOAT16
        arithmetic = native_arithmetic(in_half=in_half)
        if job.precision not in INT8:
            return Prepared(graph, Quantized(graph, arithmetic))
        job.tell("quantise")
        reference = reference_graph(graph, job.precision)
        sensitive = SensitiveLayers(reference, job)
        made = quantize(
            reference,
            job.example,
            precision=job.precision,
            calibration=job.calibrated(),
            is_reference=True,
            adjust=sensitive,
            reuse=job.reuse,
            progress=job.progress,
        )
        return Prepared(made, Quantized(made, arithmetic), reference, sensitive.calibration)

    def lower(self, prepared: Prepared, job: Job) -> LoweredProgram:
        """Lower a graph for the backend."""
        job.tell("lower")
        number = number_of(job.precision, job.cpu)
        return lower(prepared.graph, job.example, number, whole=job.whole, pool=job.pool)

    def new_pool(self) -> ConstantPool:
        """Return a pool in which the plans of one artifact share their constants."""
        return ConstantPool()

    def serialize(
        self, programs: Mapping[str, LoweredProgram], constant_methods: Mapping[str, object]
    ) -> bytes:
        """Return the bytes of one program whose plans read the same constants."""
        return serialize(programs, constant_methods)

    def run(self, program: LoweredProgram, job: Job) -> Run:
        """Return a function that runs the program in the C++ runtime."""
        run = native_run(program)
        return lambda sample: run(sample.arrays)

    def values(self, prepared: Prepared, program: LoweredProgram, job: Job) -> Values:
        """Return what the int8 layers of a program read and write."""
        number = number_of(job.precision, job.cpu)
        return native_int8_values(prepared.graph, job.example, number)

    def node_values(
        self, graph: GraphModule, nodes: Sequence[Node], inputs: tuple[torch.Tensor, ...]
    ) -> Values:
        """Run the graph with all of `nodes` that are floats as outputs in the C++ runtime."""
        floats = [node for node in nodes if node.meta["val"].is_floating_point()]
        return native_values(graph, floats, inputs)


def number_of(precision: str, cpu: str) -> Number:
    """Return what a program computes in if it is not int8: float16 beside int8 is for Arm."""
    in_half = precision == "fp16" or (precision in INT8 and cpu == "arm")
    return Number.FLOAT16 if in_half else Number.FLOAT32
