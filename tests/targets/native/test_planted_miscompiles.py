"""Twelve wrong plans: the gates of `compile` stop each of them in each precision."""

import contextlib
import copy
from dataclasses import replace

import numpy as np
import pytest

from hvit_edge.compiler.photo_gate import PhotoGate
from hvit_edge.compiler.pipeline import check_program, rewritten_graph
from hvit_edge.compiler.subject import prepare_subject
from hvit_edge.errors import ParityError
from hvit_edge.targets.native import graph_plan
from hvit_edge.targets.native import operations as ops
from hvit_edge.targets.native.kinds import Activation
from hvit_edge.targets.native.runtime import native_program, program_step
from hvit_edge.targets.native.target import NativeTarget
from hvit_edge.targets.target import Job

PRECISIONS = ("fp32", "fp16", "int8", "int8-dynamic")


class Mutant:
    """The operations of a plan, free to be altered."""

    def __init__(self, operations) -> None:
        self.operations = operations

    def of(self, *kinds):
        return [o for o in self.operations if isinstance(o, kinds)]

    @property
    def linears(self):
        """Return the attention's linear layers: q, k, v together, and the projection."""
        return [o for o in self.of(ops.Linear, ops.LinearInt8) if "attention" in o.name]

    def weights(self, layer, change) -> None:
        if isinstance(layer, ops.LinearInt8):
            codes = change(layer.weights.codes[:, 0])[:, None]
            layer.weights = replace(layer.weights, codes=np.ascontiguousarray(codes))
        else:
            layer.weights = np.ascontiguousarray(change(layer.weights))

    def activate(self, before, after) -> None:
        for operation in self.operations:
            epilogue = getattr(operation, "epilogue", None)
            places = ((epilogue, "first"), (epilogue, "second"), (operation, "activation"))
            for owner, name in places:
                if getattr(owner, name, None) == before:
                    setattr(owner, name, after)
                    return
        raise AssertionError(f"no {before.name}")


def swapped_operands(mutant):
    attention = mutant.of(ops.Attention)[0]
    attention.query, attention.key = attention.key, attention.query


def key_for_value(mutant):
    attention = mutant.of(ops.Attention)[0]
    attention.key, attention.value = attention.value, attention.key


def wrong_axis(mutant):
    window = mutant.of(ops.Depthwise)[0].window
    window.strides = window.strides[::-1]


def transposed_weight(mutant):
    mutant.weights(mutant.linears[1], np.transpose)


def rolled_channels(mutant):
    mutant.weights(mutant.linears[0], lambda rows: np.roll(rows, 1, 0))


def missing_bias(mutant):
    epilogue = mutant.linears[1].epilogue
    epilogue.bias = epilogue.bias * np.float32(1e-9)


def stale_bias(mutant):
    epilogue = mutant.linears[0].epilogue
    epilogue.bias = np.roll(epilogue.bias, 8)


def stale_scale(mutant):
    attention = mutant.of(ops.Attention)[0]
    attention.scale, attention.biases = attention.scale * 4, attention.biases / 4


def off_by_one_padding(mutant):
    mutant.of(ops.Depthwise)[0].window.padding = (0, 1)


def missing_activation(mutant):
    mutant.activate(Activation.SILU, Activation.NONE)


def other_activation(mutant):
    mutant.activate(Activation.GELU, Activation.RELU)


def lost_residual(mutant):
    layer = next(o for o in mutant.linears if o.epilogue.residual is not None)
    layer.epilogue.residual = None


MUTATIONS = (
    swapped_operands,
    key_for_value,
    wrong_axis,
    transposed_weight,
    rolled_channels,
    missing_bias,
    stale_bias,
    stale_scale,
    off_by_one_padding,
    missing_activation,
    other_activation,
    lost_residual,
)


class MutantTarget(NativeTarget):
    """Runs a mutant in the place of the program."""

    def __init__(self, program, values) -> None:
        self.program, self.int8_values = program, values

    def run(self, program, job):
        step = program_step(self.program)
        return lambda sample: (step(sample.arrays[0]),)

    def values(self, prepared, program, job):
        return self.int8_values(prepared, program, job)


class Compiled:
    """A gate, its job, the graph that is lowered, the program, and its plan."""

    def __init__(self, precision, module, preprocess, calibration) -> None:
        module = copy.deepcopy(module)
        subject = prepare_subject(module, preprocess=preprocess)
        self.gate, target = PhotoGate(subject, precision, None), NativeTarget()
        calibration = calibration if precision == "int8" else None
        self.job = Job("tiny", precision, self.gate.photos, calibration=calibration)
        passes = target.passes(precision, "any")
        graph = rewritten_graph(self.gate, passes, self.job.tell)
        self.prepared = target.prepare(graph, self.job)
        if self.prepared.quantized is not None:
            self.gate.check_quantized(self.prepared.quantized)
        self.plans = []
        with pytest.MonkeyPatch.context() as patch:
            right = graph_plan.write_plan

            def keep(*arguments):
                self.plans.append(arguments)
                return right(*arguments)

            patch.setattr(graph_plan, "write_plan", keep)
            self.lowered = target.lower(self.prepared, self.job)
        self.program = native_program(self.lowered)
        self.plan = right(*self.plans[0])

    def values(self, mutate):
        """Return the results of the int8 layers if plans are written wrongly."""
        right = graph_plan.write_plan

        def wrong(operations, *others):
            operations, *others = copy.deepcopy((operations, *others))
            if mutate is not None:
                with contextlib.suppress(StopIteration):  # what stands apart here cannot be wrong
                    mutate(Mutant(operations))
            return right(operations, *others)

        def values(*given):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(graph_plan, "write_plan", wrong)
                return NativeTarget().values(*given)

        return values

    def check(self, mutate=None):
        """The gates of `compile` after lowering, on the program or on a mutant of it."""
        program = self.program
        if mutate is not None:
            operations, *others = copy.deepcopy(self.plans[0])
            mutate(Mutant(operations))
            plan = graph_plan.write_plan(operations, *others)
            plan += bytes(len(self.plan) - len(plan))
            assert len(plan) == len(self.plan) and plan != self.plan
            program = program.replace(self.plan, plan)
        target = MutantTarget(program, self.values(mutate))
        check_program(target, self.gate, self.prepared, self.lowered, self.job)


@pytest.fixture(scope="module", params=PRECISIONS)
def compiled(request, tiny_model, tiny_preprocess, tiny_calibration):
    return Compiled(request.param, tiny_model, tiny_preprocess, tiny_calibration)


@pytest.mark.slow
def test_the_program_itself_passes(compiled):
    compiled.check()


@pytest.mark.slow
@pytest.mark.parametrize("mutate", MUTATIONS, ids=lambda mutate: mutate.__name__)
def test_each_is_stopped(mutate, compiled):
    with pytest.raises(ParityError, match="nothing was written"):
        compiled.check(mutate)
