"""Small MIL programs, built in memory and evaluated."""

import warnings

import numpy as np
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    ct = pytest.importorskip("coremltools")

from coremltools.converters.mil.mil import Builder as mb
from coremltools.converters.mil.mil import types

from hvit_edge.coreml import Program

OPSETS = {15: ct.target.iOS15, 16: ct.target.iOS16, 17: ct.target.iOS17, 18: ct.target.iOS18}
DTYPES = {
    "float16": types.fp16,
    "float32": types.fp32,
    "int32": types.int32,
    "bool": types.bool,
    "uint8": types.uint8,
    "int8": types.int8,
    "uint16": types.uint16,
    "int16": types.int16,
}


def build(body, *arrays, ios=17):
    """A MIL program whose inputs have the shapes and dtypes of the arrays."""
    specs = [mb.TensorSpec(array.shape, dtype=DTYPES[array.dtype.name]) for array in arrays]
    return mb.program(input_specs=specs, opset_version=OPSETS[ios])(body)


@pytest.fixture(scope="session")
def program():
    """`build`, as the evaluator's program."""

    def make(body, *arrays, ios=17):
        return Program.from_mil(build(body, *arrays, ios=ios))

    return make


@pytest.fixture(scope="session")
def evaluate(program):
    """The outputs of `body(*inputs)` for the given arrays; one of them alone, not in a list."""

    def run(body, *arrays, ios=17, storage=True):
        made = program(body, *arrays, ios=ios)
        inputs = {feature.name: array for feature, array in zip(made.inputs, arrays, strict=True)}
        results = list(made.run(inputs, storage=storage).values())
        return results[0] if len(results) == 1 else results

    return run


@pytest.fixture(scope="session")
def close():
    """Equal shapes, and values within `rel` of the largest expected one."""

    def check(got, expected, rel=1e-6):
        expected = np.asarray(expected, dtype=np.float64)
        assert got.shape == expected.shape
        scale = np.abs(expected[np.isfinite(expected)]).max(initial=0)
        np.testing.assert_allclose(got.astype(np.float64), expected, rtol=rel, atol=rel * scale)

    return check


@pytest.fixture(scope="session")
def save(tmp_path_factory):
    """Converts a MIL program without any pass that could change it, and saves it."""

    def write(mil, ios=17, **options):
        options.setdefault("compute_precision", ct.precision.FLOAT32)
        model = ct.convert(
            mil,
            convert_to="mlprogram",
            minimum_deployment_target=OPSETS[ios],
            pass_pipeline=ct.PassPipeline.EMPTY,
            skip_model_load=True,
            **options,
        )
        path = tmp_path_factory.mktemp("saved") / "model.mlpackage"
        model.save(str(path))
        return path

    return write
