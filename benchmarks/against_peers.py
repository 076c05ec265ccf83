"""Compare our programs with every peer on this machine, with the same module, inputs and threads.

    python benchmarks/against_peers.py [FOLDER] [--models ...] [--contestants ...] [--threads 2]

Run `make bench-peers` first. Contestants (peers/contestants.py) load converted models
from FOLDER, each in a separate process. All contestants of a model are loaded at once. They take
turns in random order and are stopped between their turns. Load and first run are medians of several
new processes. A time counts only if the answers to the bundled photos agree with eager PyTorch and
no multiply-add is missing. Rows go to results/peers.json, with the reason of each failure.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from datetime import datetime, timezone
from functools import cache
from pathlib import Path

import numpy as np
import torch
from arm_peers import FP32_TOLERANCE, LEAST_WORK, export, in_one_row
from measure.interleave import Times, interleave, summarize
from measure.rows import put_row
from measure.workers import Worker, WorkerError, closing_all, worker_command
from peers.contestants import CONTESTANTS, ENVIRONMENTS, MODELS, ROOT, Contestant
from peers.prepare_peers import file_bytes, portable, prepare, work_of
from roofline import measure_roofline, share_of_peak
from tables.arm import TASK_SIZES
from tqdm import tqdm

from hvit_edge.measures.difference import compare, worst
from hvit_edge.preprocess import load_image
from hvit_edge.quantize import centred_sqnr, sqnr
from hvit_edge.weights import bundled_photos

RESULTS = Path(__file__).parent / "results" / "peers.json"
LEAST_OWN_WORK = 0.98  # our exact rewrites save a little: Conformer pools first, 1.5 %
LEAST_TRIMMED_WORK = 0.94  # convolutions lose the taps that read only padding
TRIMMED = ("deeplabv3_mobilevit_xxs",)
FEATURES = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8")


def main() -> None:
    """Measure the requested models one after the other."""
    args = parse()
    args.folder.mkdir(parents=True, exist_ok=True)
    run = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    made = {  # everything first, so that no conversion disturbs the times
        name: {each: prepare(CONTESTANTS[each], name, args.folder) for each in args.contestants}
        for name in args.models
    }
    for threads in args.threads:
        roofline = measure_roofline(threads)
        for name in args.models:
            measure(name, threads, made[name], roofline, run, args)


def parse() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    by_default = [each.name for each in CONTESTANTS.values() if each.by_default]
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "build/peers/models")
    parser.add_argument("--models", nargs="+", default=MODELS)
    parser.add_argument("--contestants", nargs="+", default=by_default, choices=CONTESTANTS)
    parser.add_argument("--threads", nargs="+", type=int, default=(2,))
    parser.add_argument("--rounds", type=int, default=10, help="turns of each contestant")
    parser.add_argument("--runs", type=int, default=5, help="timed runs per turn")
    parser.add_argument("--warmup", type=int, default=1, help="untimed runs before them")
    parser.add_argument("--starts", type=int, default=3, help="new processes of each contestant")
    return parser.parse_args()


def measure(
    name: str,
    threads: int,
    made: dict[str, dict],
    roofline: dict,
    run: str,
    args: argparse.Namespace,
) -> None:
    """Write one row per contestant; the rows of one run were measured in the same rounds."""
    chosen = [CONTESTANTS[each] for each in args.contestants]
    load_before = os.getloadavg()[0]
    workers: dict[str, Worker] = {}
    with tempfile.TemporaryDirectory() as folder, closing_all(workers):
        inputs = Path(folder, "inputs.npz")
        np.savez(inputs, *photos(name, args.folder))
        found = {}
        for each in tqdm(chosen, desc=f"{name}: load", disable=None, file=sys.stderr, leave=False):
            found[each.name] = made[each.name]
            if "error" not in found[each.name]:
                found[each.name] = start(
                    each, name, found[each.name], threads, inputs, workers, args
                )
        times, failed = take_turns(name, workers, args)
    for each in chosen:
        row = finish(found[each.name], times.get(each.name), failed.get(each.name), roofline)
        put_row(
            RESULTS,
            {"model": name, "contestant": each.name, "threads": threads},
            {"run": run, "load_average_before": load_before, **row},
            _place,
            photos=len(bundled_photos()),
            features=features(),
            roofline={**known_rooflines(), str(threads): roofline},
        )


def start(
    each: Contestant,
    name: str,
    made: dict,
    threads: int,
    inputs: Path,
    workers: dict[str, Worker],
    args: argparse.Namespace,
) -> dict[str, object]:
    """Load a contestant as often as requested, and keep the last process if its answers count."""
    outputs = inputs.with_name(f"{each.name}.npy")
    options = dict(each.options)
    if each.suffix == ".pt":
        options |= {"model": name, "input_size": TASK_SIZES.get(name)}
    command = worker_command(
        ENVIRONMENTS[each.environment], each.runtime, model=str(made["model"]),
        inputs=str(inputs), outputs=str(outputs), threads=threads, options=options,
    )  # fmt: skip
    cache = str(args.folder.resolve() / "inductor")
    environment = {"TORCHINDUCTOR_CACHE_DIR": cache, "TORCHINDUCTOR_COMPILE_THREADS": "1"}
    row = {key: value for key, value in made.items() if key != "model"}
    row["bytes"] = file_bytes(made["model"])
    readies = []
    try:
        for _ in range(1 if each.starts_slowly else args.starts):
            if each.name in workers:
                workers.pop(each.name).close()
            workers[each.name] = Worker(command, environment=environment)
            readies.append(workers[each.name].ready)
    except WorkerError as error:
        return {**row, "error": portable(str(error), args.folder)}
    row |= cold(readies)
    row["work"] = made["multiply_adds"] / work_of(name, args.folder)
    row["agreement"] = agreement(expected(name, args.folder), np.load(outputs))
    fault = why_not(row, each.is_reduced, least_work(each, name))
    if fault is None:
        return row
    workers.pop(each.name).close()
    return {**row, "error": fault}


def least_work(contestant: Contestant, name: str) -> float:
    """Return the share of the module's multiply-adds that a contestant must have at least."""
    if not contestant.is_ours:
        return LEAST_WORK
    return LEAST_TRIMMED_WORK if name in TRIMMED else LEAST_OWN_WORK


def cold(readies: list[dict]) -> dict[str, object]:
    """Return medians over several new processes; the files are in the system's cache."""
    fields = ("import_ms", "load_ms", "first_ms", "imported_mib", "peak_mib")
    known = [field for field in fields if readies[0][field] is not None]
    medians = {
        field: round(statistics.median(ready[field] for ready in readies), 2) for field in known
    }
    return {"package": readies[0]["package"], "starts": len(readies), **medians}


def take_turns(
    name: str, workers: dict[str, Worker], args: argparse.Namespace
) -> tuple[Times, dict[str, str]]:
    """Time all contestants that were loaded."""
    with tqdm(
        total=args.rounds, desc=f"{name}: rounds", disable=None, file=sys.stderr, leave=False
    ) as bar:
        return interleave(
            workers, rounds=args.rounds, runs=args.runs, warmup=args.warmup,
            on_round=lambda index: bar.update(),
        )  # fmt: skip


def finish(
    row: dict, times: list[list[float]] | None, failed: str | None, roofline: dict
) -> dict[str, object]:
    """Return a contestant's row with its times, or with the reason why it has none."""
    row = {key: value for key, value in row.items() if key != "model"}
    if "error" in row:
        return row
    if times is None:
        return {**row, "error": failed or "no turn"}
    found = summarize(times)
    share = share_of_peak(row["multiply_adds"], found["median_ms"], roofline["gigaflops"])
    return {**row, **found, "share_of_fp32_peak": round(share, 4)}


def agreement(expected: np.ndarray, outputs: np.ndarray) -> dict[str, object]:
    """Compare outputs [images, numbers] with those of eager PyTorch."""
    pairs = [compare(e[None], o[None]) for e, o in zip(expected, outputs, strict=True)]
    furthest = worst(pairs)
    return {
        "max_rel": furthest.max_rel,
        "cosine": furthest.cosine,
        "top1_agree": sum(pair.top1_agree for pair in pairs) / len(pairs),
        "sqnr_db": _finite(sqnr(expected, outputs)),
        "centred_sqnr_db": _finite(centred_sqnr(expected, outputs)),
    }


def _finite(value: float) -> float | None:
    """Return None for infinity, which JSON does not have and eager PyTorch reaches."""
    return value if np.isfinite(value) else None


def why_not(row: dict, reduced: bool, least_work: float = LEAST_WORK) -> str | None:
    """Return why a time does not count, or None if it does."""
    max_rel = row["agreement"]["max_rel"]
    if row["work"] < least_work:
        return f"expected all multiply-adds, got {row['work']:.1%} of them"
    if not np.isfinite(max_rel):
        return "expected finite outputs, got NaN or infinity"
    if not reduced and max_rel > FP32_TOLERANCE:
        return f"expected outputs within {FP32_TOLERANCE} of PyTorch's, got {max_rel:.1e}"
    return None


@cache
def photos(name: str, folder: Path) -> list[np.ndarray]:
    """Return the bundled photos, preprocessed, float32 [1, 3, H, W]."""
    preprocess = export(name, folder).origin.preprocess
    return [preprocess(load_image(photo)) for photo in bundled_photos()]


@cache
def expected(name: str, folder: Path) -> np.ndarray:
    """Return eager PyTorch's outputs for the photos, [images, numbers]."""
    module = export(name, folder).module
    with torch.inference_mode():
        rows = [in_one_row(module(torch.from_numpy(x))) for x in photos(name, folder)]
    return np.concatenate(rows)


def features() -> list[str]:
    """Return those FEATURES that the processor has; without bf16 it is emulated."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    return [feature for feature in FEATURES if feature in flags]


def known_rooflines() -> dict[str, dict]:
    """Return the rooflines in the results, by number of threads."""
    return json.loads(RESULTS.read_text()).get("roofline", {}) if RESULTS.exists() else {}


def _place(row: dict) -> tuple[int, int, int]:
    known = list(MODELS)
    model = known.index(row["model"]) if row["model"] in known else len(known)
    return row["threads"], model, list(CONTESTANTS).index(row["contestant"])


if __name__ == "__main__":
    main()
