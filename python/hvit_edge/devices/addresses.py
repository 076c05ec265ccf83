"""Read the devices that `--device` names: one or several, a file of them, or every phone on adb."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from hvit_edge.devices.address import LOCAL, open_device
from hvit_edge.errors import DeviceError, InputError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ALL_PHONES = "adb:*"
FILE = ".toml"


def names_several(device: str) -> bool:
    """Return True if an address stands for several devices, even if only one is found."""
    return "," in device or device == ALL_PHONES or device.endswith(FILE)


def addresses_of(device: str) -> list[str]:
    """Return the single addresses that `device` stands for, in their order.

    Args:
        device: addresses separated by commas: those of `open_device`, "local", "adb:*" for every
            phone that adb lists as ready, or a TOML file with `devices = ["ADDRESS", ...]`.

    Raises:
        InputError: an address has another form or appears twice, or a file cannot be read.
        DeviceError: "adb:*" is named and adb is not installed, fails, or lists no phone.
    """
    found = [one for part in device.split(",") for one in _expanded(part.strip())]
    twice = sorted({one for one in found if found.count(one) > 1})
    if twice:
        raise InputError(
            f"[device] expected each device once, got {', '.join(twice)} twice; name it once"
        )
    for one in found:
        if one != LOCAL:
            open_device(one)
    return found


def _expanded(part: str) -> list[str]:
    if part == ALL_PHONES:
        return _phones()
    return _listed(Path(part)) if part.endswith(FILE) else [part]


def _listed(path: Path) -> list[str]:
    """Return the addresses in a TOML file."""
    form = 'a TOML file with devices = ["ADDRESS", ...]'
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"[device] {path}: expected {form}, got: {reason}; name another") from None
    devices = content.get("devices")
    faults = not isinstance(devices, list) or not all(isinstance(one, str) for one in devices)
    if faults or not devices or set(content) != {"devices"}:
        raise InputError(f"[device] {path}: expected {form}, got {content}; write only that list")
    return [one for address in devices for one in _expanded(address)]


def _phones() -> list[str]:
    """Return the addresses of the phones that adb lists as ready."""
    try:
        done = subprocess.run(
            ["adb", "devices"], capture_output=True, text=True, check=True, timeout=60
        )
    except FileNotFoundError:
        raise DeviceError(
            f"[device] expected adb for {ALL_PHONES}, got none; install it (Debian: adb)"
        ) from None
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise DeviceError(
            f"[device] expected adb to list the phones, got: {error}; run `adb devices`"
        ) from None
    states = [line.split("\t") for line in done.stdout.splitlines() if "\t" in line]
    ready = [f"adb:{serial}" for serial, state in states if state.strip() == "device"]
    if not ready:
        seen = ", ".join(f"{serial} is {state}" for serial, state in states) or "none"
        raise DeviceError(
            f"[device] expected at least one phone that is ready, got {seen};"
            " connect one and allow debugging on it"
        )
    return ready
