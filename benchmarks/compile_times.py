"""Time how long `compile` takes, beside importing torch and exporting the same module.

    python benchmarks/compile_times.py [--models mobilevit_xs ...] [--targets xnnpack native coreml]
        [--precisions fp32 int8] [--rounds 3] [--cached] [--clock] [--coverage]

Times are CPU seconds of one thread, with those of child processes, because other work on a machine
changes them less than the time on the clock. Each measurement is a process of its own, which
imports torch and `torch.export` first; Python's own start is not counted. In a round, the base and
all programs of a model take turns in random order. A ratio is computed within a round, and the
table shows the median. All gates run, and nothing is taken from a cache of compiled or exported
modules.

With `--cached`, each program is also compiled after a program of the same module for another
target, with a cache that only that one filled. With `--coverage`, the models are those of
`coverage_models.py`, which needs what `coverage.py` needs. The models that have rows already are
skipped then, so that the script can be interrupted.

With `--clock`, each program is also compiled with all cores, and its seconds on the clock are
measured. Other work on the machine makes them longer, so this needs a quiet one.

int8 is calibrated on 128 windows of the bundled photos. `--code before` and `--code after` keep the
rows of two versions of hvit-edge, for a table that compares them; PYTHONPATH selects the version.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from measure.apart import run_apart
from measure.rows import put_row, rows_known

FOLDER = Path(__file__).resolve().parent / "results"
RESULTS, COVERAGE = FOLDER / "compile_times.json", FOLDER / "compile_coverage.json"
COMPARED = FOLDER / "compile_int8.json"
MODELS = ("mobilevit_xs", "conformer_ti", "swin_t", "shunted_t", "shunted_b")
TARGETS = ("xnnpack", "native", "coreml")
PRECISIONS = ("fp32", "int8")
BASE = "base"
FILLING = {"xnnpack": "native", "native": "xnnpack", "coreml": "native"}
"""The target that fills the cache for a program of another one."""
CACHE = "HVIT_EDGE_CACHE_DIR"
"""The setting of the folder of the cache; without it nothing is kept."""
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
PHOTOS = 128
CALIBRATED = ("int8", "int8-dynamic")
Row = Mapping[str, object]


def main() -> None:
    """Measure the models, or one program in this process."""
    args = _arguments()
    if args.one:
        program = (args.targets[0], args.precisions[0])
        print(json.dumps(measure(args.models[0], *program, coverage=args.coverage)))
        return
    os.environ.update(dict.fromkeys(THREADS, "1"))
    results = COVERAGE if args.coverage else RESULTS
    for model in _models(args):
        load = os.getloadavg()[0]
        for (target, precision), row in rounds(model, args).items():
            key = {"model": model, "target": target, "precision": precision}
            if args.code:
                key, results = {**key, "code": args.code}, COMPARED
            put_row(results, key, {**row, "load": round(load, 1)}, _place)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", metavar="MODEL")
    parser.add_argument("--targets", nargs="+", default=TARGETS)
    parser.add_argument("--precisions", nargs="+", default=PRECISIONS)
    parser.add_argument("--rounds", type=int, default=3, help="number of rounds (default 3)")
    parser.add_argument("--cached", action="store_true", help="also compile from a filled cache")
    parser.add_argument("--clock", action="store_true", help="also measure with all cores")
    parser.add_argument("--coverage", action="store_true", help="measure third-party modules")
    parser.add_argument("--code", help="store the rows in compile_int8.json, under this name")
    parser.add_argument("--one", action="store_true", help="measure one program in this process")
    return parser.parse_args()


def _models(args: argparse.Namespace) -> list[str]:
    """Return the models to measure."""
    if not args.coverage:
        return list(args.models or MODELS)
    import coverage_models

    known = rows_known(COVERAGE, "model")
    wanted = args.models or coverage_models.MODELS
    return [model for model in wanted if args.models or (model,) not in known]


def rounds(model: str, args: argparse.Namespace) -> dict[tuple[str, str], dict[str, object]]:
    """Return a row for the base and for each program of `model`."""
    programs = [(BASE, "fp32")]
    programs += [
        (target, precision)
        for target in args.targets
        for precision in args.precisions
        if precision in precisions_of(target)
    ]
    found: dict[tuple[str, str], list[Row]] = {program: [] for program in programs}
    cached: dict[tuple[str, str], list[Row]] = {program: [] for program in programs}
    clocked: dict[tuple[str, str], list[Row]] = {program: [] for program in programs}
    shuffle = random.Random(0).shuffle
    for _ in range(args.rounds):
        order = list(programs)
        shuffle(order)
        for program in order:
            found[program].append(_apart(model, program, args.coverage))
            if args.cached and program[0] != BASE:
                cached[program].append(_from_cache(model, program, args.coverage))
            if args.clock:
                clocked[program].append(_on_all_cores(model, program, args.coverage))
    base = found[BASE, "fp32"]
    return {
        program: summarize(rows, base, cached[program], clocked[program])
        for program, rows in found.items()
    }


def precisions_of(target: str) -> tuple[str, ...]:
    """Return the precisions that a target has."""
    from hvit_edge.precision import TARGET_PRECISIONS

    return TARGET_PRECISIONS[target]


def _apart(model: str, program: tuple[str, str], coverage: bool) -> Row:
    target, precision = program
    options = ["--models", model, "--targets", target, "--precisions", precision]
    return run_apart(__file__, "--one", *options, *(["--coverage"] if coverage else []))


def _from_cache(model: str, program: tuple[str, str], coverage: bool) -> Row:
    """Measure a program after one for another target filled the cache."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ[CACHE] = folder
        try:
            _apart(model, (FILLING[program[0]], "fp32"), coverage)
            return _apart(model, program, coverage)
        finally:
            del os.environ[CACHE]


def _on_all_cores(model: str, program: tuple[str, str], coverage: bool) -> Row:
    """Measure a program in a process whose number of threads is not limited."""
    limits = {name: os.environ.pop(name) for name in THREADS if name in os.environ}
    try:
        return _apart(model, program, coverage)
    finally:
        os.environ.update(limits)


def summarize(
    rows: Sequence[Row],
    base: Sequence[Row],
    cached: Sequence[Row] = (),
    clocked: Sequence[Row] = (),
) -> dict[str, object]:
    """Return the medians of a program's rounds, and of the ratios to the base of each round.

    Args:
        rows, base: the rounds of the program and of the base.
        cached: the rounds of the program with a filled cache; empty if it was not measured.
        clocked: the rounds of the program with all cores; empty if they were not measured.
    """
    failed = [row["error"] for row in (*rows, *base, *cached, *clocked) if "error" in row]
    if failed:
        return {"error": failed[0]}
    stages = list(rows[0]["stages"])
    ratios = _ratios(rows, base)
    found = {"cached_ratio": _median(_ratios(cached, base))} if cached else {}
    if clocked:
        found["clock"] = _median(row["clock"] for row in clocked)
    return {
        "seconds": _median(row["seconds"] for row in rows),
        "ratio": _median(ratios),
        "least": round(min(ratios), 2),
        "most": round(max(ratios), 2),
        **found,
        "rounds": len(rows),
        "peak_mb": round(max(row["peak_mb"] for row in rows)),
        **({"weights_mb": round(rows[0]["weights_mb"], 1)} if "weights_mb" in rows[0] else {}),
        "stages": {name: _median(row["stages"].get(name, 0.0) for row in rows) for name in stages},
    }


def _ratios(rows: Sequence[Row], base: Sequence[Row]) -> list[float]:
    return [row["seconds"] / other["seconds"] for row, other in zip(rows, base, strict=True)]


def measure(model: str, target: str, precision: str, *, coverage: bool) -> dict[str, object]:
    """Return the CPU seconds of one program, or of the base, and of its stages.

    Args:
        model: a name of the registry, or of `coverage_models`.
        target, precision: the program.
        coverage: True for a name of `coverage_models`.
    """
    watch = _Watch()
    watch.begin("import torch")
    import torch

    if target == BASE:
        watch.begin("import torch.export")  # not while the module is built, which is not counted
        importlib.import_module("torch.export._trace")
        watch.begin(None)
        module, shape = _module(model, coverage)
        watch.begin("export")
        torch.export.export(module, (torch.rand(shape),))
        return {**watch.done(), "weights_mb": _megabytes(module)}
    watch.begin("import hvit-edge")
    from hvit_edge import compile

    with tempfile.TemporaryDirectory() as folder:
        watch.begin(None)
        options = _options(model, precision, Path(folder), coverage)
        watch.begin("build")
        compile(
            **options,
            target=target,
            precision=precision,
            output=Path(folder, f"a.{'mlpackage' if target == 'coreml' else 'pte'}"),
            on_step=watch.begin,
        )
        return watch.done()


def _megabytes(module: object) -> float:
    """Return the size of the weights of a module."""
    tensors = module.state_dict().values()
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors) / 1e6


class _Watch:
    """Measures the CPU seconds of stages that follow one another, on all threads and children."""

    def __init__(self) -> None:
        self._stages: dict[str, float] = {}
        self._stage: str | None = None
        self._since, self._started, self._clock = _cpu_seconds(), time.perf_counter(), 0.0

    def begin(self, stage: str | None) -> None:
        """End the current stage, and begin another one; None is not counted."""
        now = _cpu_seconds()
        if self._stage is not None:
            self._stages[self._stage] = self._stages.get(self._stage, 0) + now - self._since
            self._clock += time.perf_counter() - self._started
        self._stage, self._since, self._started = stage, _cpu_seconds(), time.perf_counter()

    def done(self) -> dict[str, object]:
        """Return the seconds of all stages and of each, and the peak memory in MB."""
        self.begin(None)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
        seconds = {"seconds": sum(self._stages.values()), "clock": self._clock}
        return {**seconds, "stages": self._stages, "peak_mb": peak}


def _cpu_seconds() -> float:
    """Return the CPU seconds of this process and of its child processes that have ended."""
    return sum(os.times()[:4])


def _module(model: str, coverage: bool) -> tuple[object, tuple[int, ...]]:
    """Return a module, and the shape of its images."""
    if coverage:
        import coverage_models

        module, preprocess = coverage_models.build(model)
        return module, (1, 3, *preprocess.input_size)
    from hvit_edge import create_model
    from hvit_edge.models import model_info

    module = create_model(model, weights="random").eval()
    return module, (1, 3, *model_info(model).input_size)


def _options(model: str, precision: str, folder: Path, coverage: bool) -> dict[str, object]:
    """Return the arguments of `compile` that say what is compiled, and if a cache is used."""
    found: dict[str, object] = {"model": model, "weights": "random"}
    if coverage:
        import coverage_models

        module, preprocess = coverage_models.build(model)
        found = {"model": module, "preprocess": preprocess}
    if precision in CALIBRATED:
        found |= {"calib_data": _photos(folder), "calib_samples": PHOTOS}
    found["cache"] = CACHE in os.environ
    return found


def _photos(folder: Path) -> Path:
    """Write windows of the bundled photos in a folder, as users have photos."""
    import numpy as np
    from PIL import Image

    from hvit_edge.images.load_image import load_image
    from hvit_edge.weights import bundled_photos

    images = folder / "photos"
    images.mkdir()
    photos = [load_image(path) for path in bundled_photos()]
    rng = np.random.default_rng(0)
    for index in range(PHOTOS):
        photo = photos[index % len(photos)]
        side = int(rng.uniform(0.4, 1.0) * min(photo.shape[:2]))
        top, left = (int(rng.integers(0, size - side + 1)) for size in photo.shape[:2])
        window = photo[top : top + side, left : left + side]
        Image.fromarray(window).save(images / f"{index:03}.jpg", quality=95)
    return images


def _median(values: object) -> float:
    return round(statistics.median(values), 2)


def _place(row: Row) -> tuple[object, ...]:
    known = {name: place for place, name in enumerate(MODELS)}
    order = (BASE, *TARGETS).index(row["target"]) if row["target"] in (BASE, *TARGETS) else 9
    return known.get(row["model"], len(known)), row["model"], order, row["precision"]


if __name__ == "__main__":
    main()
