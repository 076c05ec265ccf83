"""Time float32 programs of third-party modules: both of our targets and stock ExecuTorch.

    python benchmarks/coverage_times.py [--models resnet18 ...] [--again] [--seconds 8]

This script needs what `coverage.py` needs, and an otherwise idle machine. Each model has a process
in which the three programs take turns. A ratio is the median of the ratios within a round. Both of
our programs passed their gates. The answer of stock ExecuTorch must agree with eager PyTorch.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import coverage_models
import numpy as np
import torch
from measure.apart import run_apart
from measure.rows import put_row, rows_known
from torch import nn
from tqdm import tqdm

RESULTS = Path(__file__).resolve().parent / "results" / "coverage_times.json"
TARGETS = ("xnnpack", "native")
THREADS, WARMUP, FEWEST, MOST = 2, 3, 20, 500
TOLERANCE = 1e-3
Run = Callable[[], np.ndarray]


def main() -> None:
    """Time the models that have no row yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    known = coverage_models.MODELS
    parser.add_argument("--models", nargs="+", default=known, choices=known, metavar="MODEL")
    parser.add_argument("--again", action="store_true", help="also repeat models that have a row")
    parser.add_argument(
        "--seconds", type=float, default=8, help="duration of the rounds for each model"
    )
    parser.add_argument("--one", action="store_true", help="time one model in this process")
    args = parser.parse_args()
    if args.one:
        print(json.dumps(measure(args.models[0], args.seconds)))
        return
    timed = set() if args.again else rows_known(RESULTS, "model")
    wanted = [model for model in args.models if (model,) not in timed]
    for model in tqdm(wanted, disable=None, file=sys.stderr):
        row = run_apart(__file__, "--one", "--models", model, "--seconds", str(args.seconds))
        put_row(RESULTS, {"model": model}, row, lambda row: (known.index(row["model"]),))


def measure(model: str, seconds: float) -> dict[str, object]:
    """Compile a model three ways and time the programs in turns."""
    module, preprocess = coverage_models.build(model)
    height, width = preprocess.input_size
    image = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))
    with tempfile.TemporaryDirectory() as folder:
        runs = {target: _ours(module, preprocess, target, folder, image) for target in TARGETS}
        stock = _stock(module, image)
        times = take_turns(runs | ({"stock": stock} if stock else {}), seconds)
    return summarize(times)


def take_turns(runs: Mapping[str, Run], seconds: float) -> dict[str, list[float]]:
    """Return milliseconds of each run, round by round, until the time is up."""
    for run in runs.values():
        for _ in range(WARMUP):
            run()
    times: dict[str, list[float]] = {name: [] for name in runs}
    deadline = time.monotonic() + seconds
    for done in range(MOST):
        if done >= FEWEST and time.monotonic() > deadline:
            break
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            times[name].append((time.perf_counter() - start) * 1e3)
    return times


def summarize(times: Mapping[str, list[float]]) -> dict[str, object]:
    """Return the median of each program and the two ratios, None without a stock program."""
    found: dict[str, object] = {f"{name}_ms": _median(ms) for name, ms in times.items()}
    found["rounds"] = len(times["xnnpack"])
    found["native_per_xnnpack"] = _ratio(times["native"], times["xnnpack"])
    found["xnnpack_per_stock"] = None
    if "stock" in times:
        found["xnnpack_per_stock"] = _ratio(times["xnnpack"], times["stock"])
    return found


def _ours(
    module: nn.Module, preprocess: object, target: str, folder: str, image: torch.Tensor
) -> Run:
    import hvit_edge

    path = Path(folder, f"{target}.pte")
    hvit_edge.compile(module, preprocess=preprocess, target=target, output=path)
    session = hvit_edge.Session(path, threads=THREADS)
    return lambda: session(image.numpy())[0]


def _stock(module: nn.Module, image: torch.Tensor) -> Run | None:
    """Return a run of ExecuTorch's default program of the module, or None if it refuses."""
    from against_stock import stock
    from executorch.runtime import Runtime

    try:
        with torch.no_grad():
            program = Runtime.get().load_program(stock(module, (image,)))
            method = program.load_method("forward")
            answer = method.execute([image])[0]
            expected = module(image)
    except Exception:  # without a stock program there is nothing to compare with
        return None
    if not float((answer - expected).abs().max() / expected.abs().max()) <= TOLERANCE:
        return None
    return lambda program=program: method.execute([image])[0]


def _median(milliseconds: list[float]) -> float:
    return round(statistics.median(milliseconds), 2)


def _ratio(ours: list[float], theirs: list[float]) -> float:
    return round(statistics.median(o / t for o, t in zip(ours, theirs, strict=True)), 3)


if __name__ == "__main__":
    main()
