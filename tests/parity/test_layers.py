import math

import numpy as np
import pytest
import torch
from torch import nn

from hvit_edge.lowering import export_graph, rewrite
from hvit_edge.parity.layers import layer_precisions, record_layers
from hvit_edge.quantize import quantize


def graphs(module, example, precision, calibration=None):
    graph = export_graph(module.eval(), (example,))
    rewrite(graph)
    return graph, quantize(graph, (example,), precision=precision, calibration=calibration)


MODULES = ("stem.0", "attention.qkv", "attention.project", "mix", "head")
KNOWN = {  # `stem.0` reads the image, `mix` is depthwise
    "fp16": dict.fromkeys(MODULES, "fp16"),
    "int8": dict.fromkeys(("attention.qkv", "attention.project", "head"), "int8") | {"mix": "fp32"},
    "int8-dynamic": dict.fromkeys(("attention.qkv", "attention.project"), "int8")
    | dict.fromkeys(("stem.0", "mix", "head"), "fp32"),
}


@pytest.mark.parametrize("precision", KNOWN)
def test_precision_of_each_layer(precision, tiny_model, tiny_calibration):
    calibration = tiny_calibration if precision == "int8" else None
    found = layer_precisions(*graphs(tiny_model, torch.randn(1, 3, 16, 16), precision, calibration))
    by_module = {name.split(":")[0]: value for name, value in found.items()}
    assert set(by_module) == set(MODULES) and len(found) == len(MODULES)
    assert {module: by_module[module] for module in KNOWN[precision]} == KNOWN[precision]


def test_noise_is_that_of_the_same_layers_in_half_precision():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(16, 16), nn.Linear(16, 4))
    inputs = [np.float32(np.random.default_rng(i).standard_normal((8, 16))) for i in range(2)]
    records = record_layers(*graphs(module, torch.from_numpy(inputs[0]), "fp16"), inputs)
    x = torch.from_numpy(np.concatenate(inputs))
    with torch.inference_mode():
        expected = [module[0](x), module(x)]
        half = module.half()
        actual = [half[0](x.half()), half(x.half())]
    wanted = [
        10 * math.log10(float((e.double() ** 2).sum() / ((e.double() - a.double()) ** 2).sum()))
        for e, a in zip(expected, actual, strict=True)
    ]
    got = {record.layer.split(":")[0]: record.sqnr_db for record in records}
    assert [got["0"], got["1"]] == pytest.approx(wanted, abs=0.05)
    assert [record.sqnr_db for record in records] == sorted(got.values())
    assert {record.precision for record in records} == {"fp16"}


def test_a_layer_that_overflows_is_the_worst():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 4))
    x = torch.randn(8, 16)
    records = record_layers(*graphs(module, x, "fp16"), [x.numpy(), 1e6 * x.numpy()])
    assert records[0].sqnr_db == -math.inf
