import copy

import numpy as np
import pytest
import torch
from torch import nn

from hvit_edge.errors import InputError
from hvit_edge.quantize import Calibration, quantize, reference_graph, sqnr
from hvit_edge.quantize import precision as precision_module
from hvit_edge.quantize.equalize import equalize
from hvit_edge.quantize.int8_operators import CONV2D, LINEAR, POINTWISE
from hvit_edge.quantize.layers import find_layers
from hvit_edge.quantize.precision import takes_int8
from hvit_edge.targets import target_named
from hvit_edge.targets.executorch import executorch_step
from hvit_edge.targets.target import Job, Sample
from hvit_edge.targets.xnnpack.lower import lower

aten = torch.ops.aten

# Below what the networks reach here, so that other kernels' rounding passes too.
LEAST_SQNR = {"fp16": 50.0, "int8": 30.0, "int8-dynamic": 35.0}
WITH_CALIBRATION = {"fp16": (False,), "int8": (True,), "int8-dynamic": (False, True)}
CASES = [(precision, with_it) for precision, both in WITH_CALIBRATION.items() for with_it in both]


class Network(nn.Module):
    """float32 [1, 3, 16, 16] to logits [1, 5] through a layer of each kind."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, 2, 1)
        self.expand = nn.Conv2d(8, 12, 1)
        self.depthwise = nn.Conv2d(12, 12, 3, padding=1, groups=12)
        self.groups = nn.Conv2d(12, 12, 3, padding=1, groups=2)
        self.spatial = nn.Conv2d(12, 36, 3, 2, 1)
        self.mix = nn.Conv2d(36, 8, 1)
        self.tokens = nn.Linear(8, 6)
        self.head = nn.Linear(6, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = nn.functional.silu(self.depthwise(torch.relu(self.expand(self.stem(x)))))
        x = self.mix(torch.relu(self.spatial(nn.functional.gelu(self.groups(x)))))
        return self.head(self.tokens(x.flatten(2).transpose(1, 2))[:, 0])


# The operators that replace the layers of `Network`, in its order. The stem reads the image, the
# second layer is narrow, the head reads one row.
CONV, DENSE = aten.conv2d.default, aten.linear.default
OPERATORS = {
    "fp16": [CONV, CONV, CONV, CONV, CONV, CONV, DENSE, DENSE],
    "int8": [CONV, CONV, CONV, CONV2D, CONV2D, POINTWISE, LINEAR, LINEAR],
    "int8-dynamic": [CONV, CONV, CONV, CONV, CONV, CONV, LINEAR, DENSE],
}


@pytest.fixture
def network():
    """Weights twice as large as PyTorch's, so that the image counts beside the biases."""
    network = Network().eval()
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.dim() > 1:
                parameter.mul_(2)
    return network


@pytest.fixture
def calibration(tiny_preprocess, smooth_images, calibrate):
    return calibrate(tiny_preprocess, smooth_images(12))


def quantized(graph, calibration, precision, with_calibration):
    example = (torch.from_numpy(calibration.inputs[0]),)
    given = calibration if with_calibration else None
    return quantize(graph, example, precision=precision, calibration=given)


def outputs(module, calibration) -> np.ndarray:
    with torch.inference_mode():
        return np.concatenate([module(torch.from_numpy(x)).numpy() for x in calibration.inputs])


def assert_equal(graph, other) -> None:
    """Check that two graphs have the same code and bit-equal constants."""
    assert graph.code == other.code
    state, others = graph.state_dict(), other.state_dict()
    assert list(state) == list(others)
    for name, tensor in state.items():
        assert (tensor.dtype, tensor.shape) == (others[name].dtype, others[name].shape)
        assert torch.equal(tensor, others[name]), name


def program(module, calibration, precision, graph_of) -> bytes:
    """One delegate whose outputs are close to those of `module`."""
    example = torch.randn(1, 3, 16, 16)
    graph = quantized(graph_of(module, example), calibration, precision, precision == "int8")
    lowered = lower(graph, (example,))
    assert (lowered.delegates, lowered.ops_outside) == (1, [])
    serialized = lowered.serialize()
    run = executorch_step(serialized)
    got = np.concatenate([run(array) for array in calibration.inputs])
    assert got.dtype == np.float32
    assert sqnr(outputs(module, calibration), got) > LEAST_SQNR[precision]
    return serialized


@pytest.mark.parametrize("precision", ["fp16", "int8-dynamic"])
def test_tiny_network_runs_as_one_delegate(precision, tiny_model, graph_of, calibration):
    program(tiny_model, calibration, precision, graph_of)


def test_same_images_give_the_same_program(network, graph_of, calibration):
    first, second = (program(network, calibration, "int8", graph_of) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("precision, with_calibration", CASES)
def test_layers_that_change(precision, with_calibration, network, graph_of, calibration):
    graph = graph_of(network, torch.randn(1, 3, 16, 16))
    changed = quantized(graph, calibration, precision, with_calibration)
    every = {operator for operators in OPERATORS.values() for operator in operators}
    calls = [node.target for node in changed.graph.nodes if node.target in every]
    assert calls == OPERATORS[precision]
    assert sqnr(outputs(network, calibration), outputs(changed, calibration)) > 30


@pytest.mark.parametrize("precision, with_calibration", CASES)
def test_given_graph_stays_as_it_is(precision, with_calibration, network, graph_of, calibration):
    graph = graph_of(network, torch.randn(1, 3, 16, 16))
    before, expected = copy.deepcopy(graph), outputs(graph, calibration)
    quantized(graph, calibration, precision, with_calibration)
    assert_equal(graph, before)
    assert np.array_equal(outputs(graph, calibration), expected)
    assert np.array_equal(outputs(network, calibration), expected)


@pytest.mark.parametrize("precision, with_calibration", CASES)
def test_same_images_give_the_same_graph(
    precision, with_calibration, network, graph_of, calibration
):
    first, second = (
        quantized(graph_of(network, torch.randn(1, 3, 16, 16)), given, precision, with_calibration)
        for given in (calibration, copy.deepcopy(calibration))
    )
    assert_equal(first, second)


def test_other_images_give_another_graph(network, graph_of, calibration):
    graph = graph_of(network, torch.randn(1, 3, 16, 16))
    other = Calibration(calibration.inputs[:5])
    first, second = (quantized(graph, given, "int8", True) for given in (calibration, other))
    assert first.code == second.code
    values = [
        [tensor for tensor in found.state_dict().values() if tensor.dtype == torch.int8]
        for found in (first, second)
    ]
    assert len(values[0]) == 5, "one of each int8 layer"
    assert not all(map(torch.equal, *values))


@pytest.mark.parametrize(("precision", "with_calibration"), CASES)
def test_a_reference_is_quantized_as_its_graph(
    precision, with_calibration, network, graph_of, calibration
):
    graph = graph_of(network, torch.randn(1, 3, 16, 16))
    example = (torch.from_numpy(calibration.inputs[0]),)
    given = calibration if with_calibration else None
    reference = reference_graph(graph, precision)
    code, state = reference.code, copy.deepcopy(reference.state_dict())
    made = quantize(reference, example, precision=precision, calibration=given, is_reference=True)
    assert (
        outputs(made, calibration).tobytes()
        == outputs(
            quantized(graph, calibration, precision, with_calibration), calibration
        ).tobytes()
    )
    assert reference.code == code
    assert all(torch.equal(state[name], value) for name, value in reference.state_dict().items())


@pytest.mark.parametrize("target", ["xnnpack", "native"])
def test_targets_equalize_once(target, network, graph_of, monkeypatch):
    example = torch.randn(1, 3, 16, 16)
    graph, calls = graph_of(network, example), []

    def count(graph):
        calls.append(graph)
        return equalize(graph)

    monkeypatch.setattr(precision_module, "equalize", count)
    job = Job("net", "int8-dynamic", [Sample((example.numpy(),))])
    prepared = target_named(target).prepare(graph, job)
    assert len(calls) == 1
    assert calls[0] is prepared.reference


def test_calibration_serves_linears_alone(tiny_model, graph_of, calibration):
    """Calibrated "int8-dynamic" errs less than without calibration."""
    graph = graph_of(tiny_model, torch.randn(1, 3, 16, 16))
    exact = outputs(tiny_model, calibration)
    without, with_it = (
        sqnr(exact, outputs(quantized(graph, calibration, "int8-dynamic", given), calibration))
        for given in (False, True)
    )
    assert with_it > without + 1


def test_int8_for_arm_is_beside_float16(network, graph_of, calibration):
    """Fewer instructions there; here the same operators and one delegate."""
    example = torch.from_numpy(calibration.inputs[0])
    graph = graph_of(network, example)
    given = {"precision": "int8", "calibration": calibration}
    changed = quantize(graph, (example,), cpu="arm", **given)
    calls = [node for node in changed.graph.nodes if node.target in set(OPERATORS["int8"])]
    assert [node.target for node in calls] == OPERATORS["int8"]
    assert {node.meta["val"].dtype for node in calls} == {torch.float16}
    assert [node.args[5] for node in calls if node.target in (POINTWISE, LINEAR)] == [8, 8, 1]
    lowered = lower(changed, (example,))
    assert (lowered.delegates, lowered.ops_outside) == (1, [])
    run = executorch_step(lowered.serialize())
    got = np.concatenate([run(array) for array in calibration.inputs])
    assert got.dtype == np.float32
    assert sqnr(outputs(network, calibration), got) > LEAST_SQNR["int8"]


def test_unknown_cpu(tiny_model, graph_of):
    example = torch.randn(1, 3, 16, 16)
    with pytest.raises(InputError, match="cpu: expected one of any, arm, got 'avr'"):
        quantize(graph_of(tiny_model, example), (example,), precision="fp16", cpu="avr")


def linear_graph(graph_of):
    return graph_of(nn.Linear(4, 4), torch.randn(1, 4)), (torch.randn(1, 4),)


def test_unknown_precision(graph_of):
    graph, example = linear_graph(graph_of)
    with pytest.raises(InputError, match="expected one of fp16, int8, int8-dynamic, got 'int4'"):
        quantize(graph, example, precision="int4")


def test_int8_without_calibration(graph_of):
    graph, example = linear_graph(graph_of)
    with pytest.raises(InputError, match="expected calibration images with int8"):
        quantize(graph, example, precision="int8")


def test_fp16_with_calibration(graph_of):
    graph, example = linear_graph(graph_of)
    given = Calibration((example[0].numpy(),))
    with pytest.raises(InputError, match="expected no calibration with fp16"):
        quantize(graph, example, precision="fp16", calibration=given)


@pytest.mark.parametrize("precision", ["int8", "int8-dynamic"])
def test_calibration_of_another_shape(precision, graph_of):
    graph, example = linear_graph(graph_of)
    other = Calibration((np.zeros((1, 5), np.float32),))
    with pytest.raises(
        InputError, match=r"expected one input of shape \[1, 4\], got one input of shape \[1, 5\]"
    ):
        quantize(graph, example, precision=precision, calibration=other)


def test_refusals_leave_the_graph_alone(graph_of):
    graph, example = linear_graph(graph_of)
    before = copy.deepcopy(graph)
    with pytest.raises(InputError):
        quantize(graph, example, precision="int8")
    assert_equal(graph, before)


def test_wide_kernels_of_single_channels_stay_float(graph_of):
    """Each sums 49 inputs, but of one channel: a depthwise convolution as any other."""
    depthwise = nn.Conv2d(8, 8, 7, padding=3, groups=8)
    whole = nn.Conv2d(8, 16, 7, padding=3)
    graph = graph_of(nn.Sequential(depthwise, whole), torch.zeros(1, 8, 9, 9))
    assert [takes_int8(layer, "int8") for layer in find_layers(graph)] == [False, True]
