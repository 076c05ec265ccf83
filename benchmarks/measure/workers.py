"""Runs contestants in separate processes, which are stopped while they wait for their turn."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path


class WorkerError(Exception):
    """Raised if a worker gives no times; the message is the reason."""


class Worker:
    """A started `peers/worker.py`, or another program with the same protocol.

    It runs in a separate session, so that its threads and children stop and end with it. Runtimes
    may let idle threads spin, which stopped threads cannot do.

    Args:
        command: the command line of the process; its stderr is kept for the reason of a failure.
        ready_seconds: the time limit of loading and of the first answers.
        turn_seconds: the time limit of one turn.
        environment: variables that are added to those of this process.

    Attributes:
        ready: its first message.

    Raises:
        WorkerError: it ended, reported an error, or took too long.
    """

    def __init__(
        self,
        command: Sequence[object],
        *,
        ready_seconds: float = 900,
        turn_seconds: float = 300,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  (closed by close)
        self._turn_seconds = turn_seconds
        self._process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
        try:
            self.ready = self._answer(ready_seconds)
            self._stop()
        except BaseException:
            self.close()
            raise

    def turn(self, runs: int, warmup: int) -> list[float]:
        """Return the milliseconds of `runs` runs in a row, after `warmup` that do not count.

        Raises:
            WorkerError: it ended, reported an error, or took too long.
        """
        self._signal(signal.SIGCONT)
        question = json.dumps({"runs": runs, "warmup": warmup}) + "\n"
        with contextlib.suppress(BrokenPipeError):  # its answer says why
            self._process.stdin.write(question.encode())
            self._process.stdin.flush()
        ms = self._answer(self._turn_seconds)["ms"]
        self._stop()
        return ms

    def close(self) -> None:
        """End the process, stopped or not."""
        self._signal(signal.SIGKILL)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            with contextlib.suppress(BrokenPipeError):
                stream.close()

    def _stop(self) -> None:
        """Return when all of its threads are stopped, or it has ended."""
        self._signal(signal.SIGSTOP)
        with contextlib.suppress(ChildProcessError):
            os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def _signal(self, which: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, which)

    def _answer(self, seconds: float) -> dict:
        late = threading.Event()

        def end() -> None:
            late.set()
            self._signal(signal.SIGKILL)

        timer = threading.Timer(seconds, end)
        timer.start()
        line = self._process.stdout.readline()
        timer.cancel()
        if late.is_set():
            raise WorkerError(f"expected an answer within {seconds:g} s, got none")
        if not line:
            raise WorkerError(self._last_words())
        answer = json.loads(line)
        if "error" in answer:
            raise WorkerError(answer["error"])
        return answer

    def _last_words(self) -> str:
        status = self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        said = lines[-1][:200] if lines else "no message"
        return f"expected the process to answer, it ended with status {status} ({said})"


@contextlib.contextmanager
def closing_all(workers: Mapping[str, Worker]):
    """End every worker, including those that are added to the mapping later."""
    try:
        yield workers
    finally:
        for worker in workers.values():
            worker.close()


def worker_command(python: Path, runtime: str, **task: object) -> list[object]:
    """Return the command that starts `runtime` in the environment of `python`."""
    script = Path(__file__).parents[1] / "peers" / "worker.py"
    return [python, script, json.dumps({"runtime": runtime, **task})]
