import numpy as np
import pytest
import torch

from hvit_edge.errors import InputError
from hvit_edge.parity.steps import executorch_step
from hvit_edge.quantize import Calibration, quantize, sqnr
from hvit_edge.targets.xnnpack import lower

# Below what either network reaches here, so that other kernels' rounding passes too.
LEAST_SQNR = {"fp16": 45.0, "int8": 22.0, "int8-dynamic": 30.0}


def check_program(module, graph, preprocess, images, precision):
    arrays = [preprocess(image) for image in images]
    example = (torch.from_numpy(arrays[0]),)
    calibration = Calibration(tuple(arrays)) if precision == "int8" else None
    lowered = lower(quantize(graph, example, precision=precision, calibration=calibration), example)
    assert lowered.delegates == 1
    assert lowered.ops_outside == []
    program = lowered.serialize()
    run = executorch_step(program)
    got = np.concatenate([run(array) for array in arrays])
    with torch.inference_mode():
        expected = np.concatenate([module(torch.from_numpy(a)).numpy() for a in arrays])
    assert got.dtype == np.float32
    assert sqnr(expected, got) > LEAST_SQNR[precision]
    return program


@pytest.mark.parametrize("precision", LEAST_SQNR)
def test_tiny_network_runs_as_one_delegate(
    precision, tiny_model, tiny_preprocess, graph_of, smooth_images
):
    graph = graph_of(tiny_model, torch.randn(1, 3, 16, 16))
    code = graph.code
    programs = [
        check_program(tiny_model, graph, tiny_preprocess, smooth_images(40), precision)
        for _ in range(2)
    ]
    assert graph.code == code, "the given graph was changed"
    assert programs[0] == programs[1], "the same images gave other bytes"


@pytest.mark.parametrize("precision", LEAST_SQNR)
def test_bundled_network_runs_as_one_delegate(precision, bundled, graph_of, smooth_images):
    graph = graph_of(bundled, torch.randn(1, 3, 64, 64))
    check_program(bundled, graph, bundled.hvit_edge.preprocess, smooth_images(8), precision)


def test_unknown_precision(graph_of):
    graph = graph_of(torch.nn.Linear(4, 4), torch.randn(1, 4))
    with pytest.raises(InputError, match="expected one of fp16, int8, int8-dynamic, got 'int4'"):
        quantize(graph, (torch.randn(1, 4),), precision="int4")


def test_int8_without_calibration(graph_of):
    graph = graph_of(torch.nn.Linear(4, 4), torch.randn(1, 4))
    with pytest.raises(InputError, match="expected calibration images with int8"):
        quantize(graph, (torch.randn(1, 4),), precision="int8")


@pytest.mark.parametrize("precision", ["fp16", "int8-dynamic"])
def test_calibration_without_need(precision, graph_of):
    graph, x = graph_of(torch.nn.Linear(4, 4), torch.randn(1, 4)), torch.randn(1, 4)
    with pytest.raises(InputError, match="expected no calibration"):
        quantize(graph, (x,), precision=precision, calibration=Calibration((x.numpy(),)))


def test_calibration_of_another_shape(graph_of):
    graph, x = graph_of(torch.nn.Linear(4, 4), torch.randn(1, 4)), torch.randn(1, 4)
    other = Calibration((np.zeros((1, 5), np.float32),))
    with pytest.raises(InputError, match=r"expected one input of shape \[1, 4\], got \(?\[1, 5\]"):
        quantize(graph, (x,), precision="int8", calibration=other)
