"""Milliseconds estimated for Arm cores from counted instructions: an estimate, never a measurement.

    cycles = max(all / width, vector / vector_units, memory / memory_units)
    ms     = (cycles / clock + bytes / bandwidth) / EFFICIENCY

A core is taken to be held by the narrowest of three: how many instructions it starts in a cycle,
how many of its units compute vectors, and how many load or store; and weights to come from memory
once an inference. One thread, on a core that runs nothing else at its full clock.

EFFICIENCY and errors come from published times of XNNPACK's MobileNets, see docs/arm.md and
benchmarks/cores.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

EFFICIENCY = 0.85
"""The median of what the formula gives without it over what was published for Cortex-A75 to A77."""


@dataclass(frozen=True)
class Core:
    """What is published of a core, and of the memory of a device that has it.

    Attributes:
        name: of the core.
        device: whose clock and memory these are.
        clock_ghz: the core's highest.
        width: instructions that are decoded, or taken from the cache of decoded ones, in a cycle.
        vector_units: vectors of 128 bits that are computed in a cycle.
        memory_units: vectors of 128 bits that are loaded or stored in a cycle.
        bandwidth_gb_s: of the memory, at most.
        error: how far the estimate was from published times, as a factor; None where none of a
            single thread was found.
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
"""Widths: Arm's software optimisation guides of Cortex-A76 and X1 (decoders, or macro-op cache;
units V0 to V3; L0 to L2), Arm's description of Cortex-A53 (two instructions, 64 bits a unit and
load), dougallj's of Apple's Firestorm. Clocks and memories: the makers'."""


@dataclass(frozen=True)
class Estimate:
    """Of one inference on one core; not measured.

    Attributes:
        core, device, clock_ghz: as `Core` has them.
        ms: milliseconds.
        error: of such estimates, as a factor, see `Core`.
    """

    core: str
    device: str
    clock_ghz: float
    ms: float
    error: float | None

    def to_dict(self) -> dict[str, object]:
        """As JSON: marked as what it is."""
        return {"estimate": True, **asdict(self)}


def estimate(core: Core, classes: Mapping[str, int], file_bytes: int) -> Estimate:
    """The time of an inference on `core`.

    Args:
        core: one of `CORES`.
        classes: instructions of "memory", "vector" and "scalar", see `Instructions`.
        file_bytes: of the artifact, which is its weights but for little.
    """
    cycles = max(
        sum(classes.values()) / core.width,
        classes["vector"] / core.vector_units,
        classes["memory"] / core.memory_units,
    )
    seconds = cycles / core.clock_ghz / 1e9 + file_bytes / core.bandwidth_gb_s / 1e9
    return Estimate(core.name, core.device, core.clock_ghz, 1e3 * seconds / EFFICIENCY, core.error)


def estimates(classes: Mapping[str, int], file_bytes: int) -> tuple[Estimate, ...]:
    """One a core of `CORES`."""
    return tuple(estimate(core, classes, file_bytes) for core in CORES)
