"""Reach a machine over ssh, with the user's own configuration and keys."""

from __future__ import annotations

from collections.abc import Sequence

from hvit_edge.devices.process import Finished
from hvit_edge.devices.shell import ShellDevice

NO_CONNECTION = 255
CONNECT_SECONDS = 15


class Ssh(ShellDevice):
    """Runs commands with the ssh client, which never asks for a password.

    Args:
        host: user@host or host, as for ssh.
        port: the port; None for the default of ssh.
        options: more options of ssh, such as ("-F", "config").
    """

    folder = '"${HOME}/.cache/hvit-edge"'

    def __init__(self, host: str, port: int | None = None, options: Sequence[str] = ()) -> None:
        super().__init__()
        self.name = f"ssh://{host}" + (f":{port}" if port else "")
        silent = ["-o", "BatchMode=yes", "-o", f"ConnectTimeout={CONNECT_SECONDS}"]
        self._client = ["ssh", *silent, *options, *(["-p", str(port)] if port else []), "--", host]

    def command(self, script: str) -> list[str]:
        return [*self._client, script]

    def unreachable(self, finished: Finished) -> bool:
        return finished.status == NO_CONNECTION
