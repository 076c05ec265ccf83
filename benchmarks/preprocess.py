"""Compare preprocessing of a 1920x1080 camera frame with Pillow's resize and with the network.

    python benchmarks/preprocess.py ARTIFACT.pte [--rounds 200] [--seconds 60]

The artifact defines the preprocessing and is the network to compare with. All of them run in one
process in turns, so that the noise of the machine affects all. Ratios are of times in the same
round.

"nv21" and other formats: a frame becomes the network's normalized input, in C++ on one thread.
"pillow": Image.resize alone, of an RGB image of the same size to the complete resized size.
"pillow_needed": the same for the center crop only, which is the least that Pillow can do.
"inference": the network in the C++ runtime with --threads.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from measure.machine import describe_machine
from PIL import Image
from tqdm import tqdm

import hvit_edge
from hvit_edge.preprocess import RESAMPLING, Preprocess
from hvit_edge.runtime.binding import cpp

WIDTH, HEIGHT = 1920, 1080
PACKAGES = ("hvit-edge", "pillow", "numpy", "executorch")
RESULTS = Path(__file__).parent / "results"


def preprocessor(spec: Preprocess, instruction_set: str) -> cpp.Preprocessor:
    """Return the C++ implementation."""
    wanted = cpp.PreprocessSpec()
    wanted.input_height, wanted.input_width = spec.input_size
    wanted.resize = getattr(cpp.Resize, spec.resize)
    wanted.resize_size = spec.resize_size
    wanted.interpolation = getattr(cpp.Interpolation, spec.interpolation)
    wanted.mean, wanted.std = list(spec.mean), list(spec.std)
    wanted.channel_order = getattr(cpp.ChannelOrder, spec.channel_order)
    return cpp.Preprocessor(wanted, instruction_set)


def frames(rng: np.random.Generator) -> dict[str, cpp.Frame]:
    """Return frames of noise in the formats of cameras."""
    noise = lambda *shape: rng.integers(0, 256, shape, np.uint8)  # noqa: E731
    luma, pairs = noise(HEIGHT, WIDTH), noise(HEIGHT // 2, WIDTH // 2, 2)
    halves = [noise(HEIGHT // 2, WIDTH // 2) for _ in range(2)]
    formats = cpp.PixelFormat
    return {
        "nv21": cpp.Frame(formats.nv21, [luma, pairs]),
        "nv21_turned_90": cpp.Frame(formats.nv21, [luma, pairs], 90),
        "i420": cpp.Frame(formats.i420, [luma, *halves]),
        "rgba8888": cpp.Frame(formats.rgba8888, [noise(HEIGHT, WIDTH, 4)]),
        "rgb888": cpp.Frame(formats.rgb888, [noise(HEIGHT, WIDTH, 3)]),
    }


def pillow(spec: Preprocess, rng: np.random.Generator) -> dict[str, Callable[[], object]]:
    """Return Pillow's resize to the same size, of the complete image and of the crop alone."""
    image = Image.fromarray(rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8))
    filter_ = RESAMPLING[spec.interpolation]
    height, width = spec.resized_size(HEIGHT, WIDTH)
    rows, columns = (
        (side * (1 - crop / resized) / 2, side * (1 + crop / resized) / 2)
        for side, crop, resized in zip(
            (HEIGHT, WIDTH), spec.input_size, (height, width), strict=True
        )
    )
    box = (columns[0], rows[0], columns[1], rows[1])
    return {
        "pillow": lambda: image.resize((width, height), filter_),
        "pillow_needed": lambda: image.resize(spec.input_size[::-1], filter_, box),
    }


def contenders(artifact: Path, threads: int) -> dict[str, Callable[[], object]]:
    """Return the functions that are timed, by name."""
    session = hvit_edge.Session(artifact, threads=threads)
    spec = session.metadata.preprocess
    rng = np.random.default_rng(0)
    fastest, *others = cpp.instruction_sets()
    seen = frames(rng)
    run = preprocessor(spec, fastest)
    calls = {name: lambda frame=frame: run(frame) for name, frame in seen.items()}
    for name in others:
        slower = preprocessor(spec, name)
        calls[f"nv21_{name}"] = lambda slower=slower: slower(seen["nv21"])
    calls |= pillow(spec, rng)
    ready = run(seen["nv21"])
    return calls | {"inference": lambda: session(ready)}


def measure(
    calls: dict[str, Callable[[], object]], rounds: int, seconds: float
) -> dict[str, list[float]]:
    """Return the milliseconds of each call, in turns."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    deadline = time.monotonic() + seconds
    for _ in tqdm(range(rounds), disable=None, file=sys.stderr, leave=False):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            times[name].append((time.perf_counter() - start) * 1e3)
        if time.monotonic() > deadline:
            break
    return times


def summarize(times: dict[str, list[float]]) -> dict[str, object]:
    """Return medians, minimum times, and the ratios of nv21 to the others."""
    ratios = {}
    for other in ("pillow", "pillow_needed", "inference"):
        of_rounds = sorted(a / b for a, b in zip(times["nv21"], times[other], strict=True))
        ratios[other] = {
            "median": round(statistics.median(of_rounds), 3),
            "p10": round(of_rounds[len(of_rounds) // 10], 3),
            "p90": round(of_rounds[-1 - len(of_rounds) // 10], 3),
            "of_least": round(min(times["nv21"]) / min(times[other]), 3),
        }
    return {
        "rounds": len(times["nv21"]),
        "median_ms": {name: round(statistics.median(t), 2) for name, t in times.items()},
        "least_ms": {name: round(min(t), 2) for name, t in times.items()},
        "nv21_to": ratios,
    }


def main() -> None:
    """Measure all functions and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("artifact", type=Path)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60, help="time limit")
    parser.add_argument("--threads", type=int, default=0, help="threads of the network")
    parser.add_argument("--output", type=Path, default=RESULTS / "preprocess.json")
    args = parser.parse_args()
    metadata = hvit_edge.Session(args.artifact).metadata
    spec = metadata.preprocess
    calls = contenders(args.artifact, args.threads)
    result = {
        "frame": [WIDTH, HEIGHT],
        "model": metadata.model_name,
        "precision": metadata.precision,
        "threads": args.threads,
        "input_size": list(spec.input_size),
        "resized": list(spec.resized_size(HEIGHT, WIDTH)),
        "interpolation": spec.interpolation,
        "instruction_sets": cpp.instruction_sets(),
        **summarize(measure(calls, args.rounds, args.seconds)),
    }
    report = {"machine": describe_machine(PACKAGES), "results": [result]}
    args.output.parent.mkdir(exist_ok=True)
    args.output.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
