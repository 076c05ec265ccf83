"""Times native programs on a busy machine: the sum of each operation's least time.

Other programs can only make an operation slower, and they rarely disturb the same one in every
run. The sum of the least times therefore repeats to about one percent.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

RUNS, WARM_UP = 6, 1


@dataclass(frozen=True)
class Build:
    """Runs an artifact with one build of the C++ runner and one instruction set, on one thread.

    Attributes:
        runner: the program `hvit_edge_runner`.
        artifact: a program for the target native.
        instruction_set: the value of HVIT_EDGE_ISA.
    """

    runner: Path
    artifact: Path
    instruction_set: str

    def turn(self) -> list[float]:
        """Return the least milliseconds of each operation, from one process.

        Raises:
            SystemExit: the runner refused, for example because the CPU lacks the set.
        """
        command = [self.runner, "profile", self.artifact, "--threads", 1]
        done = subprocess.run(
            [str(word) for word in (*command, "--iterations", RUNS, "--warmup", WARM_UP)],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "HVIT_EDGE_ISA": self.instruction_set},
        )
        if done.returncode != 0:
            raise SystemExit((done.stderr.strip().splitlines() or ["no message"])[-1])
        operators = json.loads(done.stdout)["operators"]
        return [min(operator["nanoseconds"]) / 1e6 for operator in operators]


def least_times(builds: Mapping[str, Build], rounds: int) -> dict[str, float]:
    """Return the milliseconds of each build, which take turns in rounds."""
    turns: dict[str, list[list[float]]] = {name: [] for name in builds}
    for _ in range(rounds):
        for name, build in builds.items():
            turns[name].append(build.turn())
    return {
        name: sum(min(times) for times in zip(*found, strict=True)) for name, found in turns.items()
    }
