"""Compare with stock ExecuTorch: the same module, inputs, runtime and threads.

    python benchmarks/against_stock.py [MODEL ...] [--rounds 200] [--seconds 20]

Both programs run in one process in ExecuTorch's own runtime and take turns, so that the noise of
the machine affects both. A time counts only if both outputs agree with eager PyTorch. Weights are
"random": deterministic, and no norm is trivial.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

import torch
from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
from executorch.exir import to_edge_transform_and_lower
from executorch.runtime import Runtime
from measure.machine import describe_machine
from torch import nn
from tqdm import tqdm

from hvit_edge import create_model
from hvit_edge.lowering import export_graph, rewrite
from hvit_edge.targets.xnnpack.lower import lower

MODELS = ("mobilevit_xxs", "mobilevit_xs", "mobilevit_s", "conformer_ti", "shunted_t", "swin_t")
TOLERANCE = 1e-4
RESULTS = Path(__file__).parent / "results"


def ours(model: nn.Module, inputs: tuple[torch.Tensor, ...]) -> bytes:
    """Return the program of hvit-edge."""
    graph = export_graph(model, inputs)
    rewrite(graph)
    return lower(graph, inputs).serialize()


def stock(model: nn.Module, inputs: tuple[torch.Tensor, ...]) -> bytes:
    """Return the program of ExecuTorch's default lowering of the same module."""
    exported = torch.export.export(model, inputs)
    edge = to_edge_transform_and_lower(exported, partitioner=[XnnpackPartitioner()])
    return edge.to_executorch().buffer


def measure(name: str, rounds: int, seconds: float) -> dict[str, object]:
    """Compile `name` both ways and time them in turns."""
    torch.manual_seed(0)
    model = create_model(name, weights="random")
    side = model.hvit_edge.preprocess.input_size
    inputs = (torch.rand(1, 3, *side),)
    with torch.inference_mode():
        expected = model(*inputs)
    times: dict[str, list[float]] = {"ours": [], "stock": []}
    programs, methods = {}, {}
    for key, build in (("ours", ours), ("stock", stock)):
        programs[key] = Runtime.get().load_program(build(model, inputs))
        methods[key] = programs[key].load_method("forward")
        for _ in range(3):
            output = methods[key].execute(list(inputs))[0]
        error = float((output - expected).abs().max() / expected.abs().max())
        if not error <= TOLERANCE:
            raise SystemExit(
                f"[against_stock] {name}, {key}: expected outputs within {TOLERANCE} of"
                f" eager PyTorch, got {error:.2e}; its time would mean nothing"
            )
    deadline = time.monotonic() + seconds
    for _ in tqdm(range(rounds), desc=name, disable=None, file=sys.stderr, leave=False):
        for key, method in methods.items():
            start = time.perf_counter()
            method.execute(list(inputs))
            times[key].append((time.perf_counter() - start) * 1e3)
        if time.monotonic() > deadline:
            break
    ratios = sorted(o / s for o, s in zip(times["ours"], times["stock"], strict=True))
    return {
        "model": name,
        "rounds": len(ratios),
        "ours_ms": round(statistics.median(times["ours"]), 2),
        "stock_ms": round(statistics.median(times["stock"]), 2),
        "ratio": round(statistics.median(ratios), 3),
        "ratio_p10": round(ratios[len(ratios) // 10], 3),
        "ratio_p90": round(ratios[-1 - len(ratios) // 10], 3),
    }


def main() -> None:
    """Measure the models and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=MODELS, metavar="MODEL")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=20, help="time limit for each model")
    parser.add_argument("--output", type=Path, default=RESULTS / "against_stock.json")
    args = parser.parse_args()
    results = [measure(name, args.rounds, args.seconds) for name in args.models]
    report = {"machine": describe_machine(), "results": results}
    args.output.parent.mkdir(exist_ok=True)
    args.output.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
