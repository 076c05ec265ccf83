"""Run a command that may hang, crash or be interrupted, and kill it before returning."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import IO, NamedTuple

from hvit_edge.errors import DeviceError

GLANCE_SECONDS = 0.2  # interval between checks of `stop`


class Finished(NamedTuple):
    """Holds the exit status and the output of a command that has ended.

    Attributes:
        status: the exit status, or minus the number of the signal that killed it.
        stdout: its standard output.
        stderr: its standard error, without the lines that `on_line` kept out.
    """

    status: int
    stdout: bytes
    stderr: str

    @property
    def last_words(self) -> str:
        """Return the last line of stderr, or "no message"."""
        return (self.stderr.strip().splitlines() or ["no message"])[-1]


def finish(
    command: Sequence[str],
    *,
    where: str,
    idle_seconds: float,
    stdin: IO[bytes] | None = None,
    on_line: Callable[[str], bool] = lambda line: False,
    stop: threading.Event | None = None,
) -> Finished:
    """Run `command` to its end; kill it if this function raises.

    Args:
        command: the program and its arguments.
        where: name of the device in errors.
        idle_seconds: longest time without output.
        stdin: input of the command; None gives it a pipe that stays open until it ends.
        on_line: called with each line of stderr; True keeps the line out of the result.
        stop: kills the command if another thread sets it.

    Returns:
        The exit status and the output, whatever the status is.

    Raises:
        DeviceError: the command cannot be started, has no output for too long, or was stopped.
    """
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE if stdin is None else stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C reaches only this process, which kills the command
        )
    except OSError as error:
        raise DeviceError(
            f"[device] {where}: expected to start {command[0]}, got {error.strerror}"
        ) from error
    with process:
        try:
            return _collect(process, where, idle_seconds, on_line, stop or threading.Event())
        finally:
            _kill(process)


def _collect(
    process: subprocess.Popen,
    where: str,
    idle_seconds: float,
    on_line: Callable[[str], bool],
    stop: threading.Event,
) -> Finished:
    heard: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
    for name in ("stdout", "stderr"):
        arguments = (getattr(process, name), name, heard)
        threading.Thread(target=_listen, args=arguments, daemon=True).start()
    said: dict[str, list[bytes]] = {"stdout": [], "stderr": []}
    silent = 0
    while silent < len(said):
        name, line = _next(heard, where, idle_seconds, stop)
        if not line:
            silent += 1
        elif name != "stderr" or not on_line(line.decode(errors="replace").rstrip()):
            said[name].append(line)
    status = process.wait()
    stderr = b"".join(said["stderr"]).decode(errors="replace")
    return Finished(status, b"".join(said["stdout"]), stderr)


def _next(
    heard: queue.SimpleQueue[tuple[str, bytes]],
    where: str,
    idle_seconds: float,
    stop: threading.Event,
) -> tuple[str, bytes]:
    last = time.monotonic() + idle_seconds
    while time.monotonic() < last:
        if stop.is_set():
            raise DeviceError(f"[device] {where}: stopped before it was done; run it again")
        try:
            return heard.get(timeout=min(idle_seconds, GLANCE_SECONDS))
        except queue.Empty:
            continue
    raise DeviceError(
        f"[device] {where}: expected an answer within {idle_seconds:g} s, got none; check the"
        " connection, or whether the model is too large for the device"
    )


def _listen(stream: IO[bytes], name: str, heard: queue.SimpleQueue[tuple[str, bytes]]) -> None:
    """Put each line of the stream into the queue, and an empty line at its end."""
    with suppress(ValueError):  # the process was killed, and the stream closed during a read
        for line in stream:
            heard.put((name, line))
    heard.put((name, b""))


def _kill(process: subprocess.Popen) -> None:
    if process.stdin is not None:
        process.stdin.close()
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
