"""Estimate milliseconds on Arm cores from counted instructions; these are not measurements.

    cycles = max(all / width, vector / vector_units, memory / memory_units)
    ms     = (cycles / clock + bytes / bandwidth) / EFFICIENCY

The model assumes that one of three rates limits a core: instructions per cycle, vector operations
per cycle, or loads and stores per cycle. It assumes that weights come from memory once per
inference. It is for one thread, on a core that runs nothing else, at its full clock.

EFFICIENCY and errors come from published times of XNNPACK's MobileNets, see docs/arm.md and
benchmarks/cores.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

EFFICIENCY = 0.85
"""Median ratio of the formula without it to the published times of Cortex-A75 to A77."""


@dataclass(frozen=True)
class Core:
    """Holds published data of a core, and of the memory of a device that has it.

    Attributes:
        name: name of the core.
        device: name of the device that has this clock and memory.
        clock_ghz: highest clock of the core.
        width: instructions per cycle that are decoded, or read from the cache of decoded ones.
        vector_units: vectors of 128 bits that are computed per cycle.
        memory_units: vectors of 128 bits that are loaded or stored per cycle.
        bandwidth_gb_s: highest bandwidth of the memory.
        error: factor between estimates and published times; None if no times of a single thread
            were found.
    """

    name: str
    device: str
    clock_ghz: float
    width: float
    vector_units: float
    memory_units: float
    bandwidth_gb_s: float
    error: float | None = None


CORES = (
    Core("Cortex-A53", "Raspberry Pi 3B+", 1.4, 2, 1, 0.5, 3.6),
    Core("Cortex-A76", "Snapdragon 855", 2.84, 4, 2, 2, 34.1, error=1.15),
    Core("Cortex-X1", "Snapdragon 888", 2.84, 8, 4, 3, 51.2),
    Core("Apple M1", "MacBook Air", 3.2, 8, 4, 3, 68.2, error=2.2),
)
"""Sources of widths: Arm's software optimization guides of Cortex-A76 and X1 (decoders, or macro-op
cache; units V0 to V3; L0 to L2), Arm's description of Cortex-A53 (two instructions, 64 bits per
unit and load), dougallj's description of Apple's Firestorm. Clocks and memories: the makers."""


@dataclass(frozen=True)
class Estimate:
    """Holds the estimate of one inference on one core, which is not measured.

    Attributes:
        core, device, clock_ghz: see `Core`.
        ms: milliseconds.
        error: error of such estimates as a factor, see `Core`.
    """

    core: str
    device: str
    clock_ghz: float
    ms: float
    error: float | None

    def to_dict(self) -> dict[str, object]:
        """Return the fields for JSON, marked with `"estimate": True`."""
        return {"estimate": True, **asdict(self)}


def estimate(core: Core, classes: Mapping[str, int], file_bytes: int) -> Estimate:
    """Return the estimated time of an inference on `core`.

    Args:
        core: one of `CORES`.
        classes: instructions of "memory", "vector" and "scalar", see `Instructions`.
        file_bytes: size of the artifact, which is almost the size of its weights.
    """
    cycles = max(
        sum(classes.values()) / core.width,
        classes["vector"] / core.vector_units,
        classes["memory"] / core.memory_units,
    )
    seconds = cycles / core.clock_ghz / 1e9 + file_bytes / core.bandwidth_gb_s / 1e9
    return Estimate(core.name, core.device, core.clock_ghz, 1e3 * seconds / EFFICIENCY, core.error)


def estimates(classes: Mapping[str, int], file_bytes: int) -> tuple[Estimate, ...]:
    """Return one estimate per core of `CORES`; arguments as for `estimate`."""
    return tuple(estimate(core, classes, file_bytes) for core in CORES)
