"""Reach an Android device over adb."""

from __future__ import annotations

import re

from hvit_edge.devices.process import Finished
from hvit_edge.devices.shell import ShellDevice

# The exit status of adb does not tell its own errors from the script's, and adb 29 exits with 0 if
# the device goes away. So every script prints its status and then exits with WHOLE.
WHOLE = 99
TOLD = re.compile(r"hvit-edge: status (\d+)\s*\Z")
WRAPPED = f'(\n{{script}}\n)\necho "hvit-edge: status $?" >&2\nexit {WHOLE}'
LOST = 256  # not a valid status of a script
CLIENT = ("adb: ", "error: ")  # messages of the client begin with these


class Adb(ShellDevice):
    """Runs commands with the adb client.

    Args:
        serial: serial number as `adb devices` lists it; None for the only device.
    """

    folder = "/data/local/tmp/hvit-edge"

    def __init__(self, serial: str | None = None) -> None:
        super().__init__()
        self.name = f"adb:{serial}" if serial else "adb"
        self._client = ["adb", *(["-s", serial] if serial else [])]

    def command(self, script: str) -> list[str]:
        return [*self._client, "shell", "-T", WRAPPED.format(script=script)]

    def ended(self, finished: Finished) -> Finished:
        told = TOLD.search(finished.stderr)
        if told and finished.status == WHOLE:
            return Finished(int(told[1]), finished.stdout, finished.stderr[: told.start()])
        own = [line for line in finished.stderr.splitlines() if line.startswith(CLIENT)]
        words = own[0] if own else "it went away before the command ended"
        return Finished(LOST, finished.stdout, words)

    def unreachable(self, finished: Finished) -> bool:
        return finished.status == LOST
