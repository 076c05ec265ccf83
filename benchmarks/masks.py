"""Time what a task adds to a network: masks, boxes, or vectors of a photo.

    python benchmarks/masks.py ARTIFACT.pte ... [--sides 512 1024] [--rounds 30]

Both the raw outputs and the complete answer are computed in one thread, in turns. The time is that
of this thread's CPU, so that other programs disturb it little. The difference of the two within a
round is what the task adds; the table shows the medians.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from measure.rows import put_row

import hvit_edge
from hvit_edge.runtime import Detector, Embedder, Segmenter
from hvit_edge.runtime.binding import cpp

RESULTS = Path(__file__).resolve().parent / "results" / "masks.json"
CLASSES = {"embed": Embedder, "segment": Segmenter, "detect": Detector}
WARM_UP = 2  # rounds


def main() -> None:
    """Measure each artifact with photos of each size, and store the rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("artifacts", nargs="+", type=Path, metavar="ARTIFACT.pte")
    parser.add_argument("--sides", nargs="+", type=int, default=[512, 1024], help="of the photos")
    parser.add_argument("--rounds", type=int, default=30, help="rounds that count (default 30)")
    args = parser.parse_args()
    for artifact in args.artifacts:
        metadata = hvit_edge.Session(artifact, prepare=False).metadata
        for side in args.sides:
            key = {
                "model": metadata.model_name,
                "task": metadata.task,
                "target": metadata.target,
                "precision": metadata.precision,
                "side": side,
            }
            put_row(RESULTS, key, measure(artifact, metadata.task, side, args.rounds), _place)


def _place(row: Mapping[str, object]) -> tuple[str, ...]:
    return (str(row["model"]), str(row["precision"]), f"{row['side']:05}")


def measure(artifact: Path, task: str, side: int, rounds: int) -> dict[str, object]:
    """Return the medians of the network's time and of what the task adds, in ms."""
    model = CLASSES[task](artifact, threads=1)
    photo = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    pairs = [
        (_seconds(lambda: model.outputs(photo)), _seconds(lambda: model(photo)))
        for _ in range(WARM_UP + rounds)
    ][WARM_UP:]
    network = statistics.median(outputs for outputs, _ in pairs)
    added = statistics.median(answer - outputs for outputs, answer in pairs)
    return {
        "rounds": rounds,
        "outputs": [list(spec.shape) for spec in model.session.outputs],
        "network_ms": round(network * 1e3, 3),
        "added_ms": round(added * 1e3, 3),
        "ratio": round(statistics.median(b / a - 1 for a, b in pairs), 4),
        "instruction_set": cpp.instruction_sets()[0],
    }


def _seconds(call: Callable[[], object]) -> float:
    start = time.thread_time()
    call()
    return time.thread_time() - start


if __name__ == "__main__":
    main()
