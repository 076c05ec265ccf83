"""Count the modeled cache misses of programs by kind of operator.

    python benchmarks/cache_misses.py NAME=ARTIFACT...

Run `make arm` first. QEMU emulates a Cortex-A76, and the misses are those of the caches of
cpp/qemu/cache_model.c. It writes results/cache_misses.json.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from measure.machine import describe_machine

from hvit_edge.profile.instructions import instructions_of

RESULTS = Path(__file__).parent / "results" / "cache_misses.json"
DEVICE = "qemu:cortex-a76"


def main() -> None:
    """Write one row for each program."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("programs", nargs="+", metavar="NAME=ARTIFACT")
    rows = [measure(*given.split("=", 1)) for given in parser.parse_args().programs]
    report = {"machine": describe_machine(), "device": DEVICE, "rows": rows}
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")


def measure(name: str, artifact: str) -> dict[str, object]:
    """Return the misses of one program for each core: of all its code, and by kind of operator."""
    counted = instructions_of(Path(artifact), DEVICE, caches=True)
    cores = {
        core: {"line": misses.line, "all": misses.total, "kernels": misses.kernels}
        for core, misses in counted.caches.items()
    }
    return {"program": name, "instructions": counted.total, "cores": cores}


if __name__ == "__main__":
    main()
