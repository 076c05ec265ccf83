"""An Android device behind adb."""

from __future__ import annotations

import re

from hvit_edge.devices.process import Finished
from hvit_edge.devices.shell import ShellDevice

NO_DEVICE = re.compile(r"^(adb: |error: )|no devices|unauthorized|offline", re.IGNORECASE)


class Adb(ShellDevice):
    """The adb client does the work.

    Args:
        serial: as `adb devices` lists it; None takes the only one.
    """

    folder = "/data/local/tmp/hvit-edge"

    def __init__(self, serial: str | None = None) -> None:
        super().__init__()
        self.name = f"adb:{serial}" if serial else "adb"
        self._client = ["adb", *(["-s", serial] if serial else [])]

    def command(self, script: str) -> list[str]:
        return [*self._client, "shell", "-T", script]

    def unreachable(self, finished: Finished) -> bool:
        return finished.status == 1 and bool(NO_DEVICE.search(finished.last_words))
