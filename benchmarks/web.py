"""Time artifacts in the runtime for browsers, in node, beside the native runtime of this machine.

    python benchmarks/web.py ARTIFACT.pte ... [--rounds 20]

Both run in one thread, and the time is that of the CPU in user mode, so that other programs disturb
it little. In a round, both run the model for about as long, in turns. A ratio is computed within a
round, and the table shows the median. The first rounds, in which node compiles, are not counted.
`make wasm` builds the runtime for browsers.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from measure.rows import put_row

import hvit_edge
from hvit_edge.demo.site import PAGE, RUNTIME
from hvit_edge.runtime.binding import load_binding

RESULTS = Path(__file__).resolve().parent / "results" / "web.json"
SCRIPT = Path(__file__).resolve().parent / "web_runs.mjs"
WARM_UP = 3  # rounds
ROUND_MS = 300  # of each contestant, about


def main() -> None:
    """Measure each artifact and store its row."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("artifacts", nargs="+", type=Path, metavar="ARTIFACT.pte")
    parser.add_argument("--rounds", type=int, default=20, help="rounds that count (default 20)")
    args = parser.parse_args()
    for artifact in args.artifacts:
        metadata = hvit_edge.Session(artifact, prepare=False).metadata
        size = metadata.preprocess.input_size
        key = {"model": metadata.model_name, "precision": metadata.precision, "input": list(size)}
        put_row(RESULTS, key, measure(artifact, args.rounds), _place)


def _place(row: Mapping[str, object]) -> tuple[str, ...]:
    return (str(row["model"]), str(row["precision"]))


def measure(artifact: Path, rounds: int) -> dict[str, object]:
    """Return the medians of both times, in ms, and of the ratios within each round."""
    session = hvit_edge.Session(artifact, threads=1)
    photo = np.sin(np.arange(np.prod(session.inputs[0].shape), dtype=np.float32))
    inputs = photo.reshape(session.inputs[0].shape)
    command = ["node", SCRIPT, PAGE, artifact]
    pairs: list[tuple[float, float]] = []
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as node:
        runs = {"web": 1, "native": 1}
        for index in range(rounds + WARM_UP):
            web = _in_node(node, runs["web"])
            native = _here(session, inputs, runs["native"])
            runs = {
                "web": max(1, round(ROUND_MS / web)),
                "native": max(1, round(ROUND_MS / native)),
            }
            if index >= WARM_UP:
                pairs.append((web, native))
        node.stdin.close()
    ratios = [web / native for web, native in pairs]
    return {
        "web_ms": round(statistics.median(web for web, _ in pairs), 2),
        "native_ms": round(statistics.median(native for _, native in pairs), 2),
        "ratio": round(statistics.median(ratios), 2),
        "least": round(min(ratios), 2),
        "most": round(max(ratios), 2),
        "rounds": rounds,
        "wasm_bytes": (PAGE / RUNTIME).stat().st_size,
        "node": subprocess.check_output(["node", "--version"], text=True).strip(),
        "cpu_features": load_binding().module.cpu_features(),
    }


def _in_node(node: subprocess.Popen[str], runs: int) -> float:
    node.stdin.write(f"{runs}\n")
    return float(node.stdout.readline())


def _here(session: hvit_edge.Session, inputs: np.ndarray, runs: int) -> float:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    for _ in range(runs):
        session(inputs)
    return 1000 * (resource.getrusage(resource.RUSAGE_SELF).ru_utime - before) / runs


if __name__ == "__main__":
    main()
