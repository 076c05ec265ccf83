"""Accuracy, signal to noise, size and time of every precision, on the bundled classifier.

    python benchmarks/quantisation.py CALIBRATION.npz TEST.npz

Both files have `images` uint8 [N, 32, 32, 3], the second `labels` too; CIFAR-10 is not part of this
repository. Every program runs in ExecuTorch's runtime; the times come from one interleaved run.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from machine import describe_machine
from torch.fx import GraphModule

import hvit_edge
from hvit_edge.datasets import open_images
from hvit_edge.lowering import export_graph, rewrite
from hvit_edge.lowering.graph import cleanup, constant_tensor
from hvit_edge.parity.steps import Step, executorch_step
from hvit_edge.progress import bar
from hvit_edge.quantize import calibration_inputs, centred_sqnr, quantize, sqnr
from hvit_edge.quantize.dynamic import is_dynamic, quantize_dynamic
from hvit_edge.quantize.insert import insert_weight
from hvit_edge.quantize.layers import find_layers
from hvit_edge.quantize.static import quantize_static
from hvit_edge.quantize.weights import quantize_weight
from hvit_edge.targets.xnnpack import lower

RESULTS = Path(__file__).parent / "results"
ROUNDS = 100
Inputs = list[tuple[torch.Tensor, ...]]


def main() -> None:
    """Measure and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("calibration", type=Path, metavar="CALIBRATION.npz")
    parser.add_argument("data", type=Path, metavar="TEST.npz")
    parser.add_argument("--output", type=Path, default=RESULTS / "quantisation.json")
    args = parser.parse_args()
    torch.set_num_threads(1)
    model = hvit_edge.create_model("mobilevit_xxs", weights="cifar10")
    preprocess = model.hvit_edge.preprocess
    calibration = calibration_inputs(args.calibration, preprocess, progress=bar("calibrate"))
    samples = list(open_images(args.data, classes=10))
    arrays = [preprocess(sample.image) for sample in samples]
    labels = np.array([sample.label for sample in samples])
    with torch.inference_mode():
        expected = np.concatenate([model(torch.from_numpy(a)).numpy() for a in arrays])
    example = (torch.from_numpy(arrays[0]),)
    graph = export_graph(model, example)
    rewrite(graph)
    inputs = [(torch.from_numpy(array),) for array in calibration.inputs]

    results, steps = [], {}
    for precision in ("fp32", "fp16", "int8", "int8-dynamic"):
        ready = graph if precision == "fp32" else _quantized(graph, example, precision, calibration)
        lowered = lower(ready, example)
        program = lowered.serialize()
        steps[precision] = executorch_step(program)
        row = _accuracy(_run(steps[precision], arrays), expected, labels)
        results.append(
            {"precision": precision, **row, "bytes": len(program), "delegates": lowered.delegates,
             "ops_outside": len(lowered.ops_outside)}
        )  # fmt: skip
        print(json.dumps(results[-1]), flush=True)
    for row, times in zip(results, _times(steps, arrays[0]).values(), strict=True):
        row["ms"], row["ms_fastest"] = (float(f(times) * 1e3) for f in (np.median, np.min))
    ablation = []
    for name, change in ABLATION.items():
        changed = export_graph(model, example)
        rewrite(changed)
        change(changed, inputs)
        cleanup(changed)
        ablation.append({"what": name, **_accuracy(_eager(changed, arrays), expected, labels)})
        print(json.dumps(ablation[-1]), flush=True)
    args.output.write_text(
        json.dumps(
            {
                "machine": describe_machine(),
                "model": "mobilevit_xxs",
                "weights": "cifar10",
                "calibration_images": len(calibration.inputs),
                "test_images": len(arrays),
                "eager_top1": float((expected.argmax(1) == labels).mean()),
                "results": results,
                "ablation": ablation,
            },
            indent=2,
        )
        + "\n"
    )


def _quantized(
    graph: GraphModule, example: tuple[torch.Tensor, ...], precision: str, calibration: object
) -> GraphModule:
    given = calibration if precision == "int8" else None
    return quantize(graph, example, precision=precision, calibration=given)


def _run(step: Step, arrays: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([step(array) for array in arrays])


def _eager(graph: GraphModule, arrays: list[np.ndarray]) -> np.ndarray:
    with torch.inference_mode():
        return np.concatenate([graph(torch.from_numpy(array)).numpy() for array in arrays])


def _accuracy(actual: np.ndarray, expected: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    return {
        "top1": float((actual.argmax(1) == labels).mean()),
        "agreement": float((actual.argmax(1) == expected.argmax(1)).mean()),
        "sqnr_db": sqnr(expected, actual),
        "sqnr_centred_db": centred_sqnr(expected, actual),
        "finite": bool(np.isfinite(actual).all()),
    }


def _times(steps: dict[str, Step], array: np.ndarray) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(ROUNDS):
        for name, step in steps.items():
            start = time.perf_counter()
            step(array)
            times[name].append(time.perf_counter() - start)
    return times


def _static(methods: tuple[str, ...]) -> object:
    def change(graph: GraphModule, inputs: Inputs) -> None:
        quantize_static(graph, find_layers(graph), inputs, methods=methods)

    return change


def _weights_only(graph: GraphModule, inputs: Inputs) -> None:
    for layer in find_layers(graph):
        insert_weight(graph, layer, quantize_weight(constant_tensor(graph, layer.weight)))


def _run_time(depthwise: bool) -> object:
    def change(graph: GraphModule, inputs: Inputs) -> None:
        layers = find_layers(graph)
        rest = [x for x in layers if not is_dynamic(x) and (depthwise or not x.is_depthwise)]
        quantize_static(graph, rest, inputs)
        quantize_dynamic(graph, [x for x in layers if is_dynamic(x)])

    return change


ABLATION = {
    "weights alone, no activation": _weights_only,
    "every range fixed, min-max": _static(("minmax",)),
    "every range fixed, min-max and percentiles": _static(("minmax", "percentile")),
    "every range fixed, least error": _static(("minmax", "percentile", "mse")),
    "ranges at run time where possible, depthwise fixed": _run_time(depthwise=True),
    "ranges at run time where possible, depthwise float": _run_time(depthwise=False),
}


if __name__ == "__main__":
    main()
