"""Measure how long the small runtime's threads take to begin an operation and to come back.

    python benchmarks/fork_join.py [--threads 2 4] [--rounds 3000]

`fork_join/fork_join.cpp` is compiled with the thread pool for this machine.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = Path(__file__).parent / "fork_join" / "fork_join.cpp"
POOL = (
    *("small/thread_pool.cpp", "small/worker_cpus.cpp", "small/workers.cpp"),
    *("engine/cpu_count.cpp", "engine/cpu_files.cpp", "engine/threads.cpp", "status.cpp"),
)
FLAGS = ("-O2", "-std=c++17", "-fno-rtti", "-pthread")


def main() -> None:
    """Print one line of JSON for each number of threads."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", nargs="+", type=int, default=(2,))
    parser.add_argument("--rounds", type=int, default=3000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "fork_join")
        compiler = os.environ.get("CXX", "c++")
        folders = (f"-I{ROOT / 'cpp' / name}" for name in ("src", "include"))
        sources = (SOURCE, *(ROOT / "cpp/src" / name for name in POOL))
        subprocess.run([compiler, *FLAGS, *folders, "-o", program, *sources], check=True)
        for threads in args.threads:
            subprocess.run([program, str(threads), str(args.rounds)], check=True)


if __name__ == "__main__":
    main()
