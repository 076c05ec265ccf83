"""Count the instructions from the start of the runner to its first inference, on aarch64 in QEMU.

    python benchmarks/cold_start.py NAME=ARTIFACT... [--cpu cortex-a76]

Run `make arm static-runner` first. Each artifact, of the target native, is loaded by the small
runner, which is one static file, and by the full one with its libraries. The counts include the
start of the process, and the check and preparation of the program, whose checksum reads the whole
file. Each row is written to results/cold_start.json when it is measured.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

from measure.rows import put_row

from hvit_edge.devices.bundle import find_bundle
from hvit_edge.devices.qemu import LIBRARIES
from hvit_edge.devices.qemu import PROGRAM as QEMU
from hvit_edge.profile.instructions import PLUGIN

RESULTS = Path(__file__).parent / "results" / "cold_start.json"
RUNNERS = ("small", "full")


def main() -> None:
    """Measure the programs of the command line, row by row."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("artifacts", nargs="+", metavar="NAME=ARTIFACT")
    parser.add_argument("--cpu", default="cortex-a76")
    args = parser.parse_args()
    for given in args.artifacts:
        name, _, path = given.partition("=")
        for runner in RUNNERS:
            key = {"program": name, "runner": runner, "device": f"qemu:{args.cpu}"}
            put_row(RESULTS, key, measure(Path(path), runner, args.cpu), _place)


def _place(row: dict[str, object]) -> tuple[int, int]:
    return row["bytes"], RUNNERS.index(row["runner"])


def measure(artifact: Path, runner: str, cpu: str) -> dict[str, int]:
    """Return the instructions before the first inference and of one, and the sizes of files."""
    files = [file for file, _ in find_bundle("aarch64", full=runner == "full")]
    return {
        "bytes": artifact.stat().st_size,
        "runner_bytes": sum(file.stat().st_size for file in files),
        "start": count(files[0], artifact, cpu, "start=on"),
        "inference": count(files[0], artifact, cpu),
    }


def count(program: Path, artifact: Path, cpu: str, *options: str) -> int:
    """Return what the plugin counts with these options."""
    with tempfile.TemporaryDirectory() as folder:
        counted = Path(folder, "count.json")
        plugin = ",".join([str(PLUGIN), f"out={counted}", *options])
        libraries = ["-L", str(LIBRARIES)] if LIBRARIES.is_dir() else []
        command = [QEMU, *libraries, "-cpu", cpu, "-plugin", plugin, str(program), "count"]
        subprocess.run([*command, "--warmup", "0", str(artifact)], capture_output=True, check=True)
        return json.loads(counted.read_text())["instructions"]


if __name__ == "__main__":
    main()
