"""Measure the roofline of this machine: multiply-adds and copied bytes per second.

    python benchmarks/roofline.py [--threads 1 2]

`roofline/roofline.cpp` is compiled for the processor on which it then runs.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from pathlib import Path

SOURCE = Path(__file__).parent / "roofline" / "roofline.cpp"
SECONDS = 2


def measure_roofline(threads: int, seconds: float = SECONDS) -> dict[str, float]:
    """Return the float32 peak in "gigaflops" (two per multiply-add), and "copy_gb_per_s".

    Bytes read and bytes written both count as copied. Each of the two measurements takes `seconds`.
    """
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "roofline")
        compiler = os.environ.get("CXX", "c++")
        flags = ("-O2", "-march=native", "-ffp-contract=fast", "-std=c++17", "-pthread")
        subprocess.run([compiler, *flags, "-o", program, SOURCE], check=True)
        command = [program, str(threads), str(seconds)]
        return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)


def share_of_peak(multiply_adds: int, ms: float, gigaflops: float) -> float:
    """Return the share of the peak that a model reaches if it takes `ms`."""
    return 2 * multiply_adds / (ms * 1e6) / gigaflops


def main() -> None:
    """Print the measurements."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", nargs="+", type=int, default=(1, 2))
    for threads in parser.parse_args().threads:
        print(json.dumps(measure_roofline(threads)))


if __name__ == "__main__":
    main()
