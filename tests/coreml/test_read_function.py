"""Our reader of programs, compared with coremltools' own."""

import inspect

import coremltools as ct
import numpy as np
import pytest
import torch
from coremltools.converters.mil.frontend.milproto.load import load
from coremltools.converters.mil.mil import Builder as mb
from coremltools.converters.mil.mil.ops.registry import SSAOpRegistry

from hvit_edge.coreml import Program, load_program
from hvit_edge.coreml import program as evaluator
from hvit_edge.coreml.function import Opset, Variable
from hvit_edge.coreml.operators.registry import find_kernel, operator_names
from hvit_edge.coreml.package import read_package
from hvit_edge.coreml.read_function import read_function
from hvit_edge.coreml.read_value import UnreadError
from hvit_edge.coreml.semantics import declared_dtype, declared_shape
from hvit_edge.errors import ArtifactError


def by_coremltools(package):
    spec = package.spec
    return load(spec, spec.specificationVersion, str(package.weights)).functions["main"]


def shown(function):
    """Everything that the evaluator asks of a function, with the bytes of constants."""
    return {
        "opset": (int(function.opset_version), function.opset_version.name),
        "inputs": {name: variable(var) for name, var in function.inputs.items()},
        "operators": [operation(op) for op in function.operations if op.op_type != "const"],
        "outputs": [var.name for var in function.outputs],
    }


def operation(op):
    inputs = {
        name: [read(each) for each in var] if isinstance(var, (list, tuple)) else read(var)
        for name, var in op.inputs.items()
    }
    return op.op_type, op.name, inputs, [variable(var) for var in op.outputs]


def read(var):
    return value(var.val) if var.op is not None and var.op.op_type == "const" else var.name


def value(found):
    if isinstance(found, (str, list, tuple)):
        return found if isinstance(found, str) else list(found)
    array = np.asarray(found)
    return np.dtype(array.dtype.str), array.shape, array.tobytes()


def variable(var):
    return var.name, declared_shape(var), declared_dtype(var)


def check(path):
    package = read_package(path)
    ours = read_function(package)
    assert all(isinstance(var, Variable) for var in ours.outputs)
    assert shown(ours) == shown(by_coremltools(package))


@pytest.mark.parametrize("precision", ["fp32", "fp16", "w8", "w6", "w4", "int8"])
@pytest.mark.parametrize("ios", [17, 18])
def test_packages_are_read_as_coremltools_reads_them(apple_package, precision, ios):
    check(apple_package(precision, ios).path)


def network(x):
    halves = mb.split(x=mb.concat(values=(x,), axis=1), num_splits=2, axis=2)
    flags = mb.greater(x=mb.cast(x=halves[0], dtype="fp16"), y=np.float16(0.25))
    chosen = mb.select(cond=flags, a=np.int32([[[1]]]), b=mb.cast(x=halves[1], dtype="int32"))
    return mb.reduce_sum(x=chosen, axes=[1], keep_dims=False, name="sum")


@pytest.fixture
def saved(save):
    x = mb.TensorSpec((1, 3, 4))
    return save(mb.program(input_specs=[x], opset_version=ct.target.iOS17)(network))


def test_constants_of_every_kind(saved):
    check(saved)


@pytest.mark.parametrize("bits", [1, 2, 3, 4, 6, 8])
def test_packed_constants(bits, save):
    indices = np.random.default_rng(bits).integers(0, 1 << bits, (5, 3, 2, 1)).astype(np.uint8)
    lut = np.arange(1 << bits, dtype=np.float32).reshape(1, 1, 1, 1, -1, 1)
    packed = indices.astype(ct.converters.mil.mil.types.nptype_from_builtin(unsigned(bits)))

    @mb.program(input_specs=[mb.TensorSpec((1, 3, 4, 4))], opset_version=ct.target.iOS18)
    def program(x):
        return mb.conv(x=x, weight=mb.constexpr_lut_to_dense(indices=packed, lut=lut), name="y")

    path = save(program, ios=18)
    check(path)
    weight = torch.from_numpy(indices.astype(np.float64))
    x = np.random.default_rng(0).standard_normal((1, 3, 4, 4)).astype(np.float32)
    expected = torch.nn.functional.conv2d(torch.from_numpy(x).double(), weight)
    np.testing.assert_allclose(load_program(path).run({"x": x})["y"], expected, rtol=1e-4)


def unsigned(bits):
    return getattr(ct.converters.mil.mil.types, f"uint{bits}")


def test_signed_packed_constants(save):
    data = np.arange(-8, 8).reshape(4, 4, 1, 1)
    packed = data.astype(
        ct.converters.mil.mil.types.nptype_from_builtin(ct.converters.mil.mil.types.int4)
    )

    @mb.program(input_specs=[mb.TensorSpec((1, 4, 2, 2))], opset_version=ct.target.iOS18)
    def program(x):
        scale = np.full((4, 1, 1, 1), 0.5, np.float32)
        weight = mb.constexpr_blockwise_shift_scale(data=packed, scale=scale)
        return mb.conv(x=x, weight=weight, name="y")

    path = save(program, ios=18)
    check(path)
    expected = 0.5 * data.sum(1).reshape(1, 4, 1, 1) * np.ones((1, 4, 2, 2))
    np.testing.assert_allclose(
        load_program(path).run({"x": np.ones((1, 4, 2, 2), np.float32)})["y"], expected, rtol=1e-6
    )


@pytest.fixture
def changed(saved):
    """`(change)`: the saved program, after `change` was called with its operators by type."""

    def change(edit):
        model = saved / "Data/com.apple.CoreML/model.mlmodel"
        spec = read_package(saved).spec
        function = spec.mlProgram.functions["main"]
        block = function.block_specializations[function.opset]
        edit({op.type: op for op in block.operations})
        model.write_bytes(spec.SerializeToString())
        return saved

    return change


def test_defaults_that_a_program_leaves_out_are_those_of_coremltools(changed):
    path = changed(lambda operators: operators["reduce_sum"].inputs.pop("keep_dims"))
    x = np.random.default_rng(0).standard_normal((1, 3, 4)).astype(np.float32)
    expected = np.where(x[..., :2].astype(np.float16) > 0.25, 1, np.trunc(x[..., 2:])).sum(1)
    np.testing.assert_array_equal(load_program(path).run({"x": x})["sum"], expected)
    with pytest.raises(ArtifactError, match="missing input keep_dims"):
        Program(read_function(read_package(path)))


def test_the_opset_of_a_program_finds_the_function_of_each_operator():
    """Coremltools' own operators know since when they have their meaning; ours only the program."""
    for name in operator_names():
        variants = SSAOpRegistry.core_ops[name]
        for opset in Opset:
            since = [int(variant) for variant in variants if int(variant) <= opset]
            if since:
                assert find_kernel(name, max(since)) is find_kernel(name, opset), (name, opset)


def test_functions_have_the_defaults_of_coremltools():
    """A program is read without coremltools, which fills in the inputs that were left out."""
    checked = set()
    for name in operator_names():
        for opset, operator in SSAOpRegistry.core_ops[name].items():
            try:
                defaults = dict(operator.default_inputs(object.__new__(operator)).items())
            except AttributeError:  # they depend on the inputs
                continue
            function = find_kernel(name, int(opset)).function
            for key, parameter in inspect.signature(function).parameters.items():
                has_default = parameter.default is not parameter.empty
                if has_default and key in operator.input_spec.input_types:
                    assert parameter.default == defaults.get(key), (name, opset, key)
                    checked.add((name, key))
    assert len(checked) > 20


def test_a_program_with_blocks_is_left_to_coremltools(save):
    @mb.program(input_specs=[mb.TensorSpec((1, 2))], opset_version=ct.target.iOS17)
    def program(x):
        total = mb.reduce_sum(x=x, axes=[0, 1], keep_dims=False)
        return mb.cond(
            pred=mb.greater(x=total, y=0.0), _true_fn=lambda: mb.relu(x=x), _false_fn=lambda: x
        )

    package = read_package(save(program))
    with pytest.raises(UnreadError, match="cond with blocks"):
        read_function(package)


def test_coremltools_is_not_asked_for_what_we_read(saved, monkeypatch):
    monkeypatch.setattr(evaluator, "_read_by_coremltools", None)
    assert isinstance(load_program(saved), Program)
