"""Compare milliseconds that are estimated from instructions with published ones.

python benchmarks/cores.py FOLDER [--models "MobileNet v1" ...] [--caches]

This script compiles MobileNet v1, v2 and v3 into FOLDER, counts one inference of each in QEMU, and
compares the estimate with the published times of XNNPACK in float32 on one thread. Existing
programs are reused. It writes results/cores.json.

With --caches, which takes ten times as long, "ms_with_misses" adds the modeled cache misses. A line
takes 2 cycles from the second level and 4 from the third (32 and 16 bytes a cycle), and comes from
memory at its bandwidth instead of each weight once. There is no factor for efficiency: its median
ratio is made 1 in the table.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

from measure.machine import describe_machine
from measure.mobilenets import V3_SMALL, mobilenet_v1, mobilenet_v2, mobilenet_v3

from hvit_edge import compile as compile_model
from hvit_edge.devices.cores import CORES, EFFICIENCY, Core, estimate
from hvit_edge.preprocess import Preprocess
from hvit_edge.profile.caches import CacheMisses
from hvit_edge.profile.instructions import Instructions, instructions_of

RESULTS = Path(__file__).parent / "results" / "cores.json"
MODELS = {"MobileNet v1": mobilenet_v1, "MobileNet v2": mobilenet_v2,
          "MobileNet v3 Large": mobilenet_v3,
          "MobileNet v3 Small": lambda: mobilenet_v3(V3_SMALL, 1024)}  # fmt: skip
_CORES = {core.name: core for core in CORES}
PHONES = "tensorflow#37890, label_image with XNNPACK, 2020"
XNNPACK = "README of XNNPACK, end2end_bench, March 2020"
CACHES = {"Apple M1": "Apple M1"}
"""The modeled caches of a core; Cortex-A75 to A77 have those of Cortex-A76."""
CYCLES_OF_A_LINE = (2, 4)


@dataclass(frozen=True)
class Published:
    """Holds published milliseconds of each model on a device with `core`."""

    core: Core
    ms: dict[str, float]
    source: str


PUBLISHED = (
    # Its times suggest one vector per cycle; no guide was available.
    Published(
        Core("Cortex-A75", "Pixel 3a", 2.0, 3, 1, 2, 14.9),
        {"MobileNet v1": 88.02, "MobileNet v2": 55.13},
        PHONES,
    ),
    Published(
        Core("Cortex-A75", "Pixel 3a", 2.0, 3, 1, 2, 14.9),
        {"MobileNet v3 Large": 44.0, "MobileNet v3 Small": 14.0},
        XNNPACK,
    ),
    Published(_CORES["Cortex-A76"], {"MobileNet v1": 29.95, "MobileNet v2": 19.13}, PHONES),
    Published(
        Core("Cortex-A77", "Oppo Reno 3", 2.2, 6, 2, 2, 34.1),
        {"MobileNet v1": 36.23, "MobileNet v2": 21.69},
        PHONES,
    ),
    Published(
        _CORES["Apple M1"],
        {"MobileNet v1": 29.219},
        "tensorflow#47639, benchmark_model with XNNPACK, 2021, its first build for M1",
    ),
)


def main() -> None:
    """Compile the networks, count their instructions, and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=[*MODELS])
    parser.add_argument("--caches", action="store_true", help="model the caches too")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    rows = [row for name in args.models for row in measure(name, args.folder, args.caches)]
    report = {"machine": describe_machine(), "rows": rows}
    RESULTS.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(rows, indent=2))


def measure(name: str, folder: Path, caches: bool) -> list[dict[str, object]]:
    """Return one row for each core with a published time of this model."""
    artifact = folder / f"{name}.pte"
    spec = Preprocess((224, 224), resize_size=256)
    if not artifact.exists():
        compile_model(MODELS[name](), preprocess=spec, output=artifact, min_delegated=1.0)
    counted = instructions_of(artifact, "qemu:cortex-a76", caches=caches)
    classes, size = counted.classes, artifact.stat().st_size
    return [
        {
            "model": name,
            "core": known.core.name,
            "device": known.core.device,
            "classes": classes,
            "estimated_ms": estimate(known.core, classes, size).ms,
            **(of_caches(known.core, counted) if caches else {}),
            "published_ms": known.ms[name],
            "source": known.source,
        }
        for known in PUBLISHED
        if name in known.ms
    ]


def of_caches(core: Core, counted: Instructions) -> dict[str, object]:
    """Return the misses by kind of operator, and the estimate that includes them."""
    misses = counted.caches[caches_of(core)]
    return {"misses": misses.kernels, "ms_with_misses": with_misses(core, counted.classes, misses)}


def caches_of(core: Core) -> str:
    """Return the core whose caches are modeled for this one."""
    return CACHES.get(core.name, "Cortex-A76")


def with_misses(core: Core, classes: dict[str, int], misses: CacheMisses) -> float:
    """Return milliseconds from instructions and from the lines that have to be transferred."""
    first, second, last = misses.total
    second_cycles, third_cycles = CYCLES_OF_A_LINE
    transfer = first * second_cycles + second * third_cycles
    memory = last * misses.line / core.bandwidth_gb_s / 1e6
    return estimate(core, classes, 0).ms * EFFICIENCY + transfer / core.clock_ghz / 1e6 + memory


if __name__ == "__main__":
    main()
