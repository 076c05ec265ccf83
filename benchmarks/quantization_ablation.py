"""Measure the effect of each choice of the int8 quantizer alone, on the bundled classifier."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch.fx import GraphModule

import hvit_edge
from hvit_edge.datasets import open_images
from hvit_edge.lowering import export_graph, rewrite
from hvit_edge.lowering.graph import cleanup, constant_tensor
from hvit_edge.quantize import calibration_inputs, centred_sqnr, reference_graph
from hvit_edge.quantize.insert import insert_weight
from hvit_edge.quantize.int8 import quantize_int8
from hvit_edge.quantize.layers import Layer, find_layers
from hvit_edge.quantize.moments import input_moments
from hvit_edge.quantize.precision import takes_int8
from hvit_edge.quantize.rounding import round_weight
from hvit_edge.quantize.static import quantize_static
from hvit_edge.quantize.weights import quantize_weight

Inputs = Sequence[tuple[torch.Tensor, ...]]
Change = Callable[[GraphModule, Inputs], None]


def ablation(calibration: Path, test: Path) -> list[dict[str, object]]:
    """Return one row per variant: top-1, agreement with float and centered SQNR, in PyTorch."""
    model = hvit_edge.create_model("mobilevit_xxs", weights="cifar10")
    preprocess = model.hvit_edge.preprocess
    samples = list(open_images(test, classes=10))
    images = [(torch.from_numpy(preprocess(sample.image)),) for sample in samples]
    labels = np.array([sample.label for sample in samples])
    arrays = calibration_inputs(calibration, preprocess).inputs
    inputs = [(torch.from_numpy(array),) for array in arrays]
    expected = _logits(model, images)
    rows = []
    for name, change in VARIANTS.items():
        graph = export_graph(model, images[0])
        rewrite(graph)
        if "equalized" in name:
            graph = reference_graph(graph, "int8")
        change(graph, inputs)
        cleanup(graph)
        actual = _logits(graph, images)
        row = {
            "what": name,
            "top1": float((actual.argmax(1) == labels).mean()),
            "agreement": float((actual.argmax(1) == expected.argmax(1)).mean()),
            "sqnr_centred_db": centred_sqnr(expected, actual),
        }
        rows.append(row)
        print(row, flush=True)
    return rows


def _logits(module: torch.nn.Module, images: Inputs) -> np.ndarray:
    with torch.inference_mode():
        return np.concatenate([module(*image).numpy() for image in images])


def _static(methods: tuple[str, ...]) -> Change:
    def change(graph: GraphModule, inputs: Inputs) -> None:
        quantize_static(graph, find_layers(graph), inputs, methods=methods)

    return change


def _weights(by_error: bool) -> Change:
    def change(graph: GraphModule, inputs: Inputs) -> None:
        layers = [layer for layer in find_layers(graph) if takes_int8(layer, "int8")]
        moments = input_moments(graph, layers, inputs) if by_error else {}
        for layer in layers:
            weight = constant_tensor(graph, layer.weight)
            seen = moments.get(layer.node.name)
            rounded = round_weight(weight, seen) if seen else quantize_weight(weight)
            insert_weight(graph, layer, rounded)

    return change


def _run_time(by_error: bool, takes: Callable[[Layer], bool]) -> Change:
    def change(graph: GraphModule, inputs: Inputs) -> None:
        layers = [layer for layer in find_layers(graph) if takes(layer)]
        quantize_int8(graph, layers, input_moments(graph, layers, inputs) if by_error else None)

    return change


def _int8(layer: Layer) -> bool:
    return takes_int8(layer, "int8")


VARIANTS: dict[str, Change] = {
    "every range fixed: min-max": _static(("minmax",)),
    "every range fixed: min-max or percentile, by error": _static(("minmax", "percentile")),
    "every range fixed: min-max, percentile or MSE, by error": _static(
        ("minmax", "percentile", "mse")
    ),
    "weights alone, to the nearest step": _weights(by_error=False),
    "weights alone, by output error": _weights(by_error=True),
    "ranges at run time, weights to the nearest step": _run_time(False, _int8),
    "ranges at run time, weights by output error, bias corrected": _run_time(True, _int8),
    "the same, channels equalized (int8)": _run_time(True, _int8),
    "the same, channels equalized, first convolution int8 too": _run_time(
        True, lambda layer: not layer.is_depthwise
    ),
    "linears alone, to the nearest step": _run_time(False, lambda layer: layer.is_linear),
    "linears alone, by output error": _run_time(True, lambda layer: layer.is_linear),
}
