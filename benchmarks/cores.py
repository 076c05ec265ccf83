"""Compare milliseconds that are estimated from instructions with published ones.

python benchmarks/cores.py FOLDER

This script compiles MobileNet v1 and v2 into FOLDER, counts one inference of each in QEMU, and
compares the estimate with the published times of XNNPACK in float32 on one thread. It writes
results/cores.json.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

from measure.machine import describe_machine
from measure.mobilenets import mobilenet_v1, mobilenet_v2

from hvit_edge import compile as compile_model
from hvit_edge.devices.cores import CORES, Core, estimate
from hvit_edge.preprocess import Preprocess
from hvit_edge.profile.instructions import instructions_of

RESULTS = Path(__file__).parent / "results" / "cores.json"
MODELS = {"MobileNet v1": mobilenet_v1, "MobileNet v2": mobilenet_v2}
_CORES = {core.name: core for core in CORES}
PHONES = "tensorflow#37890, label_image with XNNPACK, 2020"


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
    args = parser.parse_args()
    rows = [row for name in MODELS for row in measure(name, args.folder)]
    report = {"machine": describe_machine(), "rows": rows}
    RESULTS.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(rows, indent=2))


def measure(name: str, folder: Path) -> list[dict[str, object]]:
    """Return one row for each core with a published time of this model."""
    artifact = folder / f"{name}.pte"
    spec = Preprocess((224, 224), resize_size=256)
    compile_model(MODELS[name](), preprocess=spec, output=artifact, force=True, min_delegated=1.0)
    classes = instructions_of(artifact, "qemu:cortex-a76").classes
    size = artifact.stat().st_size
    return [
        {
            "model": name,
            "core": known.core.name,
            "device": known.core.device,
            "classes": classes,
            "estimated_ms": estimate(known.core, classes, size).ms,
            "published_ms": known.ms[name],
            "source": known.source,
        }
        for known in PUBLISHED
        if name in known.ms
    ]


if __name__ == "__main__":
    main()
