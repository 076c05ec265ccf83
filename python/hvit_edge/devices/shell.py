"""Use a device through its shell; subclasses for ssh and adb send the scripts."""

from __future__ import annotations

import shlex
from abc import abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path

from hvit_edge.devices.device import IDLE_SECONDS, Device
from hvit_edge.devices.process import Finished, finish
from hvit_edge.errors import DeviceError

REACH_SECONDS = 30.0
# Stdin is the connection. If it breaks, or this process is interrupted, the program is killed.
WATCHED = """exec 3<&0
{command} </dev/null &
program=$!
{{ read -r _ <&3; kill -9 $program; }} >/dev/null 2>&1 &
watch=$!
wait $program
status=$?
kill $watch 2>/dev/null
exit $status"""


class ShellDevice(Device):
    """Uses a device whose shell runs scripts of POSIX sh.

    Attributes:
        folder: the folder for files, as a word of the device's shell.
    """

    folder: str
    _architecture: str | None = None

    @abstractmethod
    def command(self, script: str) -> list[str]:
        """Return the local command that runs `script` on the device."""

    @abstractmethod
    def unreachable(self, finished: Finished) -> bool:
        """Return True if a command failed because the device was not reached, or was lost."""

    def ended(self, finished: Finished) -> Finished:
        """Return the result of the script, if the exit status of the client is not the script's."""
        return finished

    def architecture(self) -> str:
        if self._architecture is None:
            self._architecture = self.ask("uname -m").strip()
        return self._architecture

    def path(self, target: str) -> str:
        return f"{self.folder}/{target}"

    def push(self, source: Path, target: str) -> str:
        path = self.path(target)
        if self._script(f"test -f {path}").status == 0:
            return path
        part = f"{path}.$$.part"
        mode = "755" if source.stat().st_mode & 0o100 else "644"
        script = (
            f'umask 077; mkdir -p "$(dirname {path})"'
            f" && cat >{part} && chmod {mode} {part}"
            f" && mv {part} {path} || {{ rm -f {part}; exit 1; }}"
        )
        with open(source, "rb") as content:
            done = self._reached(
                finish(
                    self.command(script), where=self.name, idle_seconds=IDLE_SECONDS, stdin=content
                )
            )
        if done.status != 0:
            raise DeviceError(
                f"[device] {self.name}: expected to write {path}"
                f" ({source.stat().st_size} bytes), got: {done.last_words}; free space, or check"
                " that the folder can be written"
            )
        return path

    def run(
        self, arguments: Sequence[str], on_line: Callable[[str], bool] = lambda line: False
    ) -> Finished:
        words = [word if word.startswith(self.folder) else shlex.quote(word) for word in arguments]
        script = WATCHED.format(command=" ".join(words))
        done = finish(
            self.command(script),
            where=self.name,
            idle_seconds=IDLE_SECONDS,
            on_line=on_line,
            stop=self.stop,
        )
        return self._reached(done)

    def pull(self, target: str, destination: Path) -> None:
        done = self._script(f"cat {self.path(target)}")
        if done.status != 0:
            raise DeviceError(
                f"[device] {self.name}: expected the output {target}, got: {done.last_words}"
            )
        destination.write_bytes(done.stdout)

    def remove(self, target: str) -> None:
        try:
            self._script(f"rm -f {self.path(target)}")
        except DeviceError:
            return

    def ask(self, script: str) -> str:
        """Return what a short script prints on the device."""
        done = self._script(script)
        if done.status != 0:
            raise DeviceError(
                f"[device] {self.name}: expected {script!r} to work there, got: {done.last_words}"
            )
        return done.stdout.decode(errors="replace")

    def _script(self, script: str) -> Finished:
        return self._reached(
            finish(self.command(script), where=self.name, idle_seconds=REACH_SECONDS)
        )

    def _reached(self, finished: Finished) -> Finished:
        finished = self.ended(finished)
        if finished.status != 0 and self.unreachable(finished):
            raise DeviceError(
                f"[device] expected to reach {self.name}, got: {finished.last_words};"
                " check that it is on, connected, and lets you in"
            )
        return finished
