"""Twelve wrong packages: the gates of `compile` stop each of them in each precision."""

import copy

import pytest
import torch

import hvit_edge
from hvit_edge.compiler import pipeline
from hvit_edge.coreml.operators.registry import find_kernel
from hvit_edge.errors import ParityError
from hvit_edge.targets.coreml import build

IOS17 = 8  # specification version


class Mutant:
    """A program whose operators can be altered."""

    def __init__(self, program) -> None:
        self.steps = program.steps

    def of(self, kind, place=0):
        return [step for step in self.steps if step.op.op_type == kind][place]

    def weight(self, place, change) -> None:
        fixed = self.of("conv", place).fixed
        fixed["weight"] = change(fixed["weight"]).contiguous()

    def bias(self, place, change) -> None:
        fixed = self.of("conv", place).fixed
        fixed["bias"] = change(fixed["bias"])


def missing_bias(mutant):
    mutant.bias(2, torch.zeros_like)


def stale_bias(mutant):
    mutant.bias(1, lambda bias: bias.roll(8))


def transposed_weight(mutant):
    mutant.weight(2, lambda weight: weight.swapaxes(0, 1))


def rolled_channels(mutant):
    mutant.weight(1, lambda weight: weight.roll(1, 0))


def stale_scale(mutant):
    norms = [step for step in mutant.steps if step.op.op_type == "batch_norm"]
    if norms:  # of the pixels, in float16
        norms[0].fixed["gamma"] = norms[0].fixed["gamma"] * 2
        return
    scale = next(
        name for name, of in mutant.of("mul").fixed.items() if isinstance(of, torch.Tensor)
    )
    mutant.of("mul").fixed[scale] = mutant.of("mul").fixed[scale] * 2


def off_by_one_padding(mutant):
    mutant.of("conv", 3).fixed["pad"] = [0, 2, 1, 1]


def off_by_one_slice(mutant):
    mutant.of("slice_by_index", 7).fixed.update(begin=[0, 0, 0, 1], end=[1, 8, 1, 2])
    mutant.of("slice_by_index", 7).fixed.update(begin_mask=[False] * 4, end_mask=[False] * 4)


def wrong_axis(mutant):
    mutant.of("softmax").fixed["axis"] = 3


def missing_activation(mutant):
    step = mutant.of("gelu")
    step.kernel, step.fixed = find_kernel("identity", IOS17), {}


def other_activation(mutant):
    mutant.of("silu").kernel = find_kernel("relu", IOS17)


def key_for_value(mutant):
    key, value = mutant.of("slice_by_index", 5), mutant.of("slice_by_index", 6)
    key.fixed, value.fixed = value.fixed, key.fixed


def lost_residual(mutant):
    step = next(s for s in mutant.steps if s.op.op_type == "add" and len(s.fed) == 2)
    step.fed["y"] = step.fed["x"]


MUTATIONS = (
    missing_bias,
    stale_bias,
    transposed_weight,
    rolled_channels,
    stale_scale,
    off_by_one_padding,
    off_by_one_slice,
    wrong_axis,
    missing_activation,
    other_activation,
    key_for_value,
    lost_residual,
)


@pytest.fixture(scope="module", params=["fp32", "fp16", "w8", "w6", "w4", "int8"])
def evaluated(request, apple_model, tiny_preprocess, photo_windows, tmp_path_factory):
    """Return the arguments that `compile` passes to its last gates."""
    found = []
    right = pipeline.check_program

    def keep(*arguments):
        found.append(arguments)
        right(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "SMALLEST", 16)  # the network's weights are all small
        patch.setattr(pipeline, "check_program", keep)
        hvit_edge.compile(
            copy.deepcopy(apple_model),
            target="coreml",
            precision=request.param,
            calib_data=photo_windows if request.param == "int8" else None,
            preprocess=tiny_preprocess,
            output=tmp_path_factory.mktemp("planted") / "a.mlpackage",
        )
    return found[0]


@pytest.mark.slow
def test_the_package_itself_passes(evaluated):
    pipeline.check_program(*evaluated)


@pytest.mark.parametrize("mutate", MUTATIONS, ids=lambda mutate: mutate.__name__)
def test_each_is_stopped(mutate, evaluated):
    program = evaluated[3].program
    before = [(step, step.kernel, dict(step.fixed), dict(step.fed)) for step in program.steps]
    try:
        mutate(Mutant(program))
        with pytest.raises(ParityError, match="nothing was written"):
            pipeline.check_program(*evaluated)
    finally:
        for step, kernel, fixed, fed in before:
            step.kernel, step.fixed, step.fed = kernel, fixed, fed
