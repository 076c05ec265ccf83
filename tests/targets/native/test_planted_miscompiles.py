"""Twelve wrong plans: the gates of `compile` stop each of them in each precision."""

import contextlib
import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from hvit_edge.compiler.gate import Gate
from hvit_edge.compiler.gated_graphs import gate_fidelity, quantized_reference, rewritten_graph
from hvit_edge.compiler.native_program import number_of
from hvit_edge.compiler.subject import prepare_subject
from hvit_edge.errors import ParityError
from hvit_edge.lowering import NATIVE_PIPELINE
from hvit_edge.parity.native_runtime import native_int8_values, native_program, program_step
from hvit_edge.quantize import quantize, reference_graph
from hvit_edge.quantize.arithmetic import FLOAT32, STORED_FLOAT16
from hvit_edge.targets.native import graph_plan
from hvit_edge.targets.native import operations as ops
from hvit_edge.targets.native.lower import lower
from hvit_edge.targets.native.operations import Activation

PRECISIONS = ("fp32", "fp16", "int8", "int8-dynamic")


class Mutant:
    """The operations of a plan, free to be altered."""

    def __init__(self, operations) -> None:
        self.operations = operations

    def of(self, *kinds):
        return [o for o in self.operations if isinstance(o, kinds)]

    @property
    def linears(self):
        """Of the attention: q, k, v together, and the projection."""
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


class Compiled:
    """A gate, the graph with its answers (None in fp32), the program, and its plan."""

    def __init__(self, precision, module, preprocess, calibration) -> None:
        subject = prepare_subject(copy.deepcopy(module), None, None, None, preprocess, None)
        self.gate = Gate(subject, precision, None)
        graph = rewritten_graph(self.gate, NATIVE_PIPELINE, lambda step: None)
        example = (torch.from_numpy(subject.example),)
        number = number_of(precision, "any")
        self.tapped = None
        if precision.startswith("int8"):
            calibration = calibration if precision == "int8" else None
            plain = reference_graph(graph, precision)
            graph = quantize(plain, example, precision=precision, calibration=calibration)
            self.tapped = lambda: native_int8_values(graph, example[0], number)
        self.reference = None
        if precision != "fp32":
            self.reference = quantized_reference(
                self.gate, graph, STORED_FLOAT16 if precision == "fp16" else FLOAT32
            )
        self.plans = []
        with pytest.MonkeyPatch.context() as patch:
            right = graph_plan.write_plan

            def keep(*arguments):
                self.plans.append(arguments)
                return right(*arguments)

            patch.setattr(graph_plan, "write_plan", keep)
            lowered = lower(graph, example, number)
        self.program = native_program(lowered, subject.example.shape[2:])
        self.plan = right(*self.plans[0])

    def values(self, mutate):
        """What the int8 layers compute if plans are written wrongly."""
        if self.tapped is None:
            return {}
        right = graph_plan.write_plan

        def wrong(operations, *others):
            operations, *others = copy.deepcopy((operations, *others))
            if mutate is not None:
                with contextlib.suppress(StopIteration):  # what stands apart here cannot be wrong
                    mutate(Mutant(operations))
            return right(operations, *others)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(graph_plan, "write_plan", wrong)
            return self.tapped()

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
        step = program_step(program)
        if self.reference is not None:
            gate_fidelity(self.gate, self.reference, step, lambda x: self.values(mutate))
        self.gate("runtime", step)


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
