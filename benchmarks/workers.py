"""Contestants as processes of their own, stopped whenever it is another one's turn."""

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
    """Why a worker gives no times."""


class Worker:
    """A started `peers/worker.py`, or anything that speaks as it does.

    It is in a session of its own, so that its threads and children stop and end with it. Runtimes
    may let idle threads spin; stopped ones cannot.

    Args:
        command: of the process; its stderr is kept for the reason of a failure.
        ready_seconds: how long loading and the first answers may take.
        turn_seconds: the same of one turn.
        environment: variables beside those of this process.

    Attributes:
        ready: what it said first.

    Raises:
        WorkerError: it ended, said so, or took too long.
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
        """Milliseconds of `runs` runs in a row, after `warmup` that do not count.

        Raises:
            WorkerError: as above.
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
        """End it, stopped or not."""
        self._signal(signal.SIGKILL)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            with contextlib.suppress(BrokenPipeError):
                stream.close()

    def _stop(self) -> None:
        """Return when the last of its threads stands still, or it has ended."""
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
    """End every worker, also those that are put into the mapping meanwhile."""
    try:
        yield workers
    finally:
        for worker in workers.values():
            worker.close()


def worker_command(python: Path, runtime: str, **task: object) -> list[object]:
    """What starts `runtime` in the environment of `python`."""
    script = Path(__file__).parent / "peers" / "worker.py"
    return [python, script, json.dumps({"runtime": runtime, **task})]
