"""The roofline of this machine: measured multiply-adds and copied bytes a second.

    python benchmarks/roofline.py [--threads 1 2]

`roofline/roofline.cpp` is compiled for the processor that it then runs on.
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
    """Peak of float32 arithmetic in "gigaflops" (two a multiply-add), and "copy_gb_per_s".

    Bytes read and bytes written both count as copied. `seconds` go to each of the two.
    """
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "roofline")
        compiler = os.environ.get("CXX", "c++")
        flags = ("-O2", "-march=native", "-ffp-contract=fast", "-std=c++17", "-pthread")
        subprocess.run([compiler, *flags, "-o", program, SOURCE], check=True)
        command = [program, str(threads), str(seconds)]
        return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)


def share_of_peak(multiply_adds: int, ms: float, gigaflops: float) -> float:
    """How much of the peak a model attains that takes `ms`."""
    return 2 * multiply_adds / (ms * 1e6) / gigaflops


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", nargs="+", type=int, default=(1, 2))
    for threads in parser.parse_args().threads:
        print(json.dumps(measure_roofline(threads)))


if __name__ == "__main__":
    main()
