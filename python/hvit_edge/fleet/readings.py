"""Read temperatures and clock frequencies that a device reports under /sys."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass

from hvit_edge.devices import LOCAL, Device, open_device
from hvit_edge.devices.shell import ShellDevice
from hvit_edge.errors import DeviceError

# Temperatures are in thousandths of a degree Celsius, frequencies in kHz.
SCRIPT = (
    "cat /sys/class/thermal/thermal_zone*/temp 2>/dev/null; echo clock;"
    " cat /sys/devices/system/cpu/cpu*/cpufreq/scaling_cur_freq 2>/dev/null; true"
)
HOTTEST_C = 150.0
"""Sensors that are off report more than any chip survives, or less than 0."""


@dataclass(frozen=True)
class Reading:
    """Holds what a device reports at one moment.

    Attributes:
        celsius: temperature of its hottest sensor; None if it reports none.
        mhz: the highest clock frequency of its cores; None if it reports none.
    """

    celsius: float | None = None
    mhz: float | None = None


def read_device(device: str) -> Reading:
    """Return the readings of a device at an address; an emulated CPU has none."""
    try:
        if device == LOCAL:
            done = subprocess.run(["sh", "-c", SCRIPT], capture_output=True, text=True, check=False)
            return parsed(done.stdout)
        opened: Device = open_device(device)
        return parsed(opened.ask(SCRIPT)) if isinstance(opened, ShellDevice) else Reading()
    except DeviceError:
        return Reading()  # the measurement itself reports that the device is lost


def parsed(printed: str) -> Reading:
    """Return the readings in what `SCRIPT` printed."""
    temperatures, _, clocks = printed.partition("clock")
    celsius = [value / 1000 for value in _numbers(temperatures)]
    celsius = [value for value in celsius if 0 < value < HOTTEST_C]
    mhz = [value / 1000 for value in _numbers(clocks)]
    return Reading(max(celsius, default=None), max(mhz, default=None))


def _numbers(text: str) -> list[int]:
    return [int(word) for word in text.split() if word.lstrip("-").isdigit()]
