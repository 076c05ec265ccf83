import pytest

from hvit_edge.coreml.operators.registry import (
    IOS17,
    find_kernel,
    operator,
    operator_names,
)


def test_parameters_before_the_star_are_tensors():
    kernel = find_kernel("layer_norm", IOS17)
    assert kernel.tensors == {"x", "gamma", "beta"}
    assert kernel.values == {"axes", "epsilon"}
    assert kernel.required == {"x", "axes", "epsilon"}


def test_the_opset_chooses_among_functions():
    assert find_kernel("reshape", IOS17 - 1) is not find_kernel("reshape", IOS17)
    assert find_kernel("reshape", IOS17) is find_kernel("reshape", IOS17 + 1)
    assert find_kernel("no_such_operator", IOS17) is None


def test_faults_list_every_input():
    faults = find_kernel("relu", IOS17).faults({"y", "alpha"})
    assert faults == ["unknown input alpha", "unknown input y", "missing input x"]


def test_a_second_function_for_an_operator_is_refused():
    with pytest.raises(ValueError, match=r"\[operator\] relu is already registered"):

        @operator("relu")
        def relu(x):
            return x


def test_names_are_sorted_and_coremltools_knows_each():
    from coremltools.converters.mil.mil.ops.registry import SSAOpRegistry

    names = operator_names()
    assert list(names) == sorted(names)
    assert len(names) > 120
    unknown = [name for name in names if name not in SSAOpRegistry.core_ops]
    assert unknown == []
