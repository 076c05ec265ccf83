"""Time how long `compile` takes, beside importing torch and exporting the same module.

    python benchmarks/compile_times.py [--models mobilevit_xs ...] [--targets xnnpack native coreml]
        [--precisions fp32 int8] [--rounds 5]

This script needs an otherwise idle machine. Each measurement is a process of its own, which imports
torch first; Python's own start is not counted. In a round, the base and all programs of a model
take turns in random order. A ratio is computed within a round, and the table shows the median. The
first round only fills the file cache and is not counted. All gates run, and nothing is taken from a
cache of compiled or exported modules.

Models are those of the registry and of `coverage_models.py`, which needs what `coverage.py` needs.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from measure.apart import run_apart
from measure.rows import put_row

RESULTS = Path(__file__).resolve().parent / "results" / "compile_times.json"
MODELS = ("mobilevit_xs", "conformer_ti", "swin_t", "shunted_t", "shunted_b")
TARGETS = ("xnnpack", "native", "coreml")
PRECISIONS = ("fp32", "int8")
BASE = "base"
PHOTOS, SIDE = 128, 256
"""Number and size of the random images that int8 is calibrated on."""
Row = Mapping[str, object]


def main() -> None:
    """Measure the models, or one program in this process."""
    args = _arguments()
    if args.one:
        print(json.dumps(measure(args.models[0], args.targets[0], args.precisions[0])))
        return
    for model in args.models:
        load = os.getloadavg()[0]
        for (target, precision), row in rounds(model, args).items():
            key = {"model": model, "target": target, "precision": precision}
            put_row(RESULTS, key, {**row, "load": round(load, 1)}, _place, threads=args.threads)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", default=MODELS, metavar="MODEL")
    parser.add_argument("--targets", nargs="+", default=TARGETS)
    parser.add_argument("--precisions", nargs="+", default=PRECISIONS)
    parser.add_argument("--rounds", type=int, default=5, help="rounds that count (default 5)")
    parser.add_argument("--threads", type=int, default=2, help="threads of torch (default 2)")
    parser.add_argument("--one", action="store_true", help="measure one program in this process")
    return parser.parse_args()


def rounds(model: str, args: argparse.Namespace) -> dict[tuple[str, str], dict[str, object]]:
    """Return a row for the base and for each program of `model`."""
    programs = [(BASE, "fp32")]
    programs += [(target, precision) for target in args.targets for precision in args.precisions]
    found: dict[tuple[str, str], list[Row]] = {program: [] for program in programs}
    os.environ["OMP_NUM_THREADS"] = str(args.threads)
    shuffle = random.Random(0).shuffle
    for index in range(args.rounds + 1):
        order = list(programs)
        shuffle(order)
        for target, precision in order:
            options = ["--models", model, "--targets", target, "--precisions", precision]
            row = run_apart(__file__, "--one", *options)
            if index > 0:
                found[target, precision].append(row)
    return {program: summarize(rows, found[BASE, "fp32"]) for program, rows in found.items()}


def summarize(rows: Sequence[Row], base: Sequence[Row]) -> dict[str, object]:
    """Return the medians of a program's rounds, and of the ratios to the base of each round."""
    failed = [row["error"] for row in (*rows, *base) if "error" in row]
    if failed:
        return {"error": failed[0]}
    stages = list(rows[0]["stages"])
    ratios = [row["seconds"] / other["seconds"] for row, other in zip(rows, base, strict=True)]
    return {
        "seconds": _median(row["seconds"] for row in rows),
        "ratio": _median(ratios),
        "least": round(min(ratios), 2),
        "most": round(max(ratios), 2),
        "rounds": len(rows),
        "stages": {name: _median(row["stages"].get(name, 0.0) for row in rows) for name in stages},
    }


def measure(model: str, target: str, precision: str) -> dict[str, object]:
    """Return the seconds of one program, or of the base, and of its stages."""
    watch = _Watch()
    watch.begin("import torch")
    import torch

    if target == BASE:
        watch.begin(None)
        module, shape = _module(model)
        watch.begin("export")
        torch.export.export(module, (torch.rand(shape),))
        return watch.done()
    watch.begin("import hvit-edge")
    from hvit_edge import compile

    with tempfile.TemporaryDirectory() as folder:
        watch.begin(None)
        options = _options(model, precision, Path(folder))
        watch.begin("build")
        compile(
            **options,
            target=target,
            precision=precision,
            output=Path(folder, f"a.{'mlpackage' if target == 'coreml' else 'pte'}"),
            on_step=watch.begin,
        )
        return watch.done()


class _Watch:
    """Measures the seconds of stages that follow one another."""

    def __init__(self) -> None:
        self._stages: dict[str, float] = {}
        self._stage: str | None = None
        self._since = time.perf_counter()

    def begin(self, stage: str | None) -> None:
        """End the current stage, and begin another one; None is not counted."""
        now = time.perf_counter()
        if self._stage is not None:
            self._stages[self._stage] = self._stages.get(self._stage, 0) + now - self._since
        self._stage, self._since = stage, time.perf_counter()

    def done(self) -> dict[str, object]:
        """Return the seconds of each stage and of all of them."""
        self.begin(None)
        return {"seconds": sum(self._stages.values()), "stages": self._stages}


def _module(model: str) -> tuple[object, tuple[int, ...]]:
    """Return a module, and the shape of its images."""
    from hvit_edge import create_model
    from hvit_edge.models import model_info
    from hvit_edge.models.registry import registered_names

    if model in registered_names():
        module = create_model(model, weights="random").eval()
        return module, (1, 3, *model_info(model).input_size)
    import coverage_models

    module, preprocess = coverage_models.build(model)
    return module, (1, 3, *preprocess.input_size)


def _options(model: str, precision: str, folder: Path) -> dict[str, object]:
    """Return the arguments of `compile` that say what is compiled, without any cache."""
    from inspect import signature

    from hvit_edge import compile
    from hvit_edge.models.registry import registered_names

    found: dict[str, object] = {"model": model, "weights": "random"}
    if model not in registered_names():
        import coverage_models

        module, preprocess = coverage_models.build(model)
        found = {"model": module, "preprocess": preprocess}
    if precision == "int8":
        found |= {"calib_data": _photos(folder), "calib_samples": PHOTOS}
    if "cache" in signature(compile).parameters:
        found["cache"] = False
    return found


def _photos(folder: Path) -> Path:
    """Write random images in the form that `compile` reads."""
    import numpy as np

    images = np.random.default_rng(0).integers(0, 256, (PHOTOS, SIDE, SIDE, 3), np.uint8)
    np.savez(folder / "images.npz", images=images)
    return folder / "images.npz"


def _median(values: object) -> float:
    return round(statistics.median(values), 2)


def _place(row: Row) -> tuple[object, ...]:
    known = {name: place for place, name in enumerate(MODELS)}
    order = (BASE, *TARGETS).index(row["target"]) if row["target"] in (BASE, *TARGETS) else 9
    return known.get(row["model"], len(known)), row["model"], order, row["precision"]


if __name__ == "__main__":
    main()
