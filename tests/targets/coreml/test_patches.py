from collections import defaultdict
from contextlib import nullcontext
from pathlib import Path

import coremltools as ct
import numpy as np
import pytest
import torch
from coremltools.converters.mil.mil import Block
from coremltools.converters.mil.mil import Builder as mb
from coremltools.converters.mil.mil.block import InvalidBlockStateError
from coremltools.converters.mil.mil.passes.defs.quantization import FP16ComputePrecision
from coremltools.converters.mil.mil.passes.pass_pipeline import PassPipelineManager
from coremltools.models import utils

from hvit_edge import create_model
from hvit_edge.boundary import patched_version
from hvit_edge.errors import LoweringError
from hvit_edge.models import model_info
from hvit_edge.targets.coreml import build, patches

IMAGE = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
LARGE = [pytest.param(name, marks=pytest.mark.nightly) for name in ("conformer_ti", "shunted_t")]
FAMILIES = ("mobilevit_xxs", *LARGE, pytest.param("swin_t", marks=pytest.mark.nightly))


def test_compression_converts_with_the_given_passes_only_in_the_block(monkeypatch):
    asked = []
    monkeypatch.setattr(utils, "_mil_convert", lambda model, **given: asked.append(given))
    original = utils._mil_convert
    passes = ct.PassPipeline.EMPTY
    with pytest.raises(ZeroDivisionError), patches.compression_with(passes):
        utils._mil_convert("model")
        raise ZeroDivisionError
    assert asked == [{"pass_pipeline": passes}]
    assert utils._mil_convert is original


def test_another_version_of_coremltools_is_refused(monkeypatch):
    monkeypatch.setattr(patched_version, "installed", lambda package: "8.3")
    original = utils._mil_convert
    with (
        pytest.raises(LoweringError, match="expected coremltools 9.0, .* got 8.3; pip install"),
        patches.compression_with(ct.PassPipeline.EMPTY),
    ):
        pass
    assert utils._mil_convert is original


def test_light_passes_hold_only_in_the_block():
    apply, mark = PassPipelineManager.apply_pipeline, Block._propagate_nonreplaceable_vars
    with pytest.raises(ZeroDivisionError), patches.light_passes():
        assert PassPipelineManager.apply_pipeline is not apply
        raise ZeroDivisionError
    assert PassPipelineManager.apply_pipeline is apply
    assert Block._propagate_nonreplaceable_vars is mark


def test_light_passes_validate_the_program_that_they_leave():
    @mb.program(input_specs=[mb.TensorSpec(shape=(1, 4))])
    def program(x):
        return mb.relu(x=mb.relu(x=x))

    first, second = program.functions["main"].find_ops(op_type="relu")
    first.outputs[0].child_ops.remove(second)
    with patches.light_passes(), pytest.raises(InvalidBlockStateError, match="relu_1"):
        PassPipelineManager.apply_pipeline(program, ct.PassPipeline.EMPTY)


@pytest.mark.parametrize(
    "values",
    [
        np.float32(3),
        np.float32(7e4),
        np.array([], np.float32),
        np.array([1, -65504], np.float32),
        np.array([[1, -65505]], np.float32),
        np.array([-np.inf, 5, 2e38], np.float32),
        np.array([np.inf, 7e4], np.float32),
        np.array([np.nan, 7e4], np.float32),
        np.array([np.nan, 5], np.float32),
    ],
)
def test_constants_overflow_as_coremltools_says(values):
    @mb.program(input_specs=[mb.TensorSpec(shape=(1, 4))])
    def program(x):
        return (
            mb.concat(values=(mb.const(val=values),), axis=0)
            if values.ndim
            else mb.add(x=x, y=values)
        )

    operators = list(program.functions["main"].operations)
    expected = [FP16ComputePrecision.fp16_overflow(op) for op in operators]
    with patches.light_passes():
        assert [FP16ComputePrecision.fp16_overflow(op) for op in operators] == expected
    assert [FP16ComputePrecision.fp16_overflow(op) for op in operators] == expected


@pytest.fixture
def written(translation, monkeypatch):
    """`(module, image, precision, run passes in) -> (specification, weights)`, both as bytes."""

    def write(module, image, precision, passes):
        monkeypatch.setattr(mb, "name_count", defaultdict(int))
        monkeypatch.setattr(build, "light_passes", passes)
        monkeypatch.setattr(build, "SMALLEST", 16)
        translated = translation(module, image)
        classes = translated.program.functions["main"].outputs[0].shape[1]
        options = build.Options(17, precision, False, [f"class {n}" for n in range(classes)])
        model = build.build(translated, options)
        weights = Path(model.weights_dir, "weight.bin").read_bytes()
        return model.get_spec().SerializeToString(deterministic=True), weights

    return write


@pytest.mark.parametrize("precision", ["fp32", "fp16", "w8", "w6"])
def test_light_passes_write_the_bytes_that_coremltools_writes(written, apple_model, precision):
    light = written(apple_model, IMAGE, precision, patches.light_passes)
    assert light == written(apple_model, IMAGE, precision, nullcontext)


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_light_passes_write_the_same_bytes_of_each_family(written, name):
    module = create_model(name, weights="random").eval()
    image = torch.rand(1, 3, *model_info(name).input_size)
    light = written(module, image, "fp16", patches.light_passes)
    assert light == written(module, image, "fp16", nullcontext)
