"""Open the device that `--device` names."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hvit_edge.devices.adb import Adb
from hvit_edge.devices.device import Device
from hvit_edge.devices.qemu import Qemu
from hvit_edge.devices.ssh import Ssh
from hvit_edge.errors import InputError

LOCAL = "local"
REMOTE = "qemu:CPU (such as qemu:cortex-a76), ssh://[user@]host[:port] or adb[:serial]"
FORMS = f"local, {REMOTE}"
SSH = re.compile(r"ssh://(?P<host>([\w.-]+@)?[\w.-]+)(:(?P<port>\d{1,5}))?/?")


def open_device(address: str, *, qemu_options: Sequence[str] = ()) -> Device:
    """Return the device at `address`, without connecting to it.

    Args:
        address: qemu:CPU, ssh://[user@]host[:port], adb or adb:SERIAL.
        qemu_options: more options for QEMU; other devices ignore them.

    Raises:
        InputError: the address has another form or is "local", or QEMU does not know the CPU.
        DeviceError: QEMU is not installed.
    """
    if address == LOCAL:
        raise InputError(
            f"[device] expected {REMOTE}, got {address!r}; run it in this process with"
            " hvit_edge.Classifier or hvit_edge.Session"
        )
    kind, _, rest = address.partition(":")
    if kind == "qemu" and rest:
        return Qemu(rest, qemu_options)
    if match := SSH.fullmatch(address):
        port = match["port"]
        if not match["host"].startswith("-") and (port is None or 0 < int(port) < 65536):
            return Ssh(match["host"], int(port) if port else None)
    if kind == "adb" and (rest or address == "adb"):
        return Adb(rest or None)
    raise InputError(f"[device] expected {FORMS}, got {address!r}")
