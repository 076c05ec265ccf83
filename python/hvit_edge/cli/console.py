"""Print results to stdout and everything else to stderr."""

from __future__ import annotations

import contextlib
import faulthandler
import io
import json
import math
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO


class Console:
    """Writes to the two streams of one command.

    Attributes:
        verbose: show the output of other packages, and the traceback of an error.
        err: stderr of this command, even inside `quiet()`.
        step: name of the current step in one word; empty if the verb has no steps.
    """

    def __init__(self, *, verbose: bool = False) -> None:
        self.verbose = verbose
        self.err: TextIO = sys.stderr
        self.step = ""
        strict = getattr(sys.stdout, "errors", None) == "strict"
        if strict and isinstance(sys.stdout, io.TextIOWrapper):  # file names may hold any bytes
            sys.stdout.reconfigure(errors="backslashreplace")

    def print(self, text: str) -> None:
        """Print a result to stdout."""
        print(text, file=sys.stdout)

    def json(self, value: Any) -> None:
        """Print a result to stdout as strict JSON; NaN and infinity become null."""
        self.print(json.dumps(_finite(value), indent=2, allow_nan=False))

    def note(self, text: str) -> None:
        """Print a remark to stderr."""
        print(text, file=self.err, flush=True)

    def begin(self, step: str) -> None:
        """Print to stderr that a step begins, and store its name for the message of a failure."""
        self.step = step
        self.note(f"{step} ...")

    def flush(self) -> None:
        """Flush stdout.

        Raises:
            BrokenPipeError: the reader is gone.
        """
        sys.stdout.flush()

    @contextlib.contextmanager
    def quiet(self) -> Iterator[None]:
        """Keep the output of other packages away from stdout in this block.

        With `verbose`, their output from Python and C goes to stderr. Without, it is dropped,
        except for progress bars and the trace of a crash.
        """
        sys.stdout.flush()
        sys.stderr.flush()
        with contextlib.ExitStack() as stack:
            err = stack.enter_context(_kept_open(sys.stderr, 2))
            sink = stack.enter_context(open(os.devnull, "w", encoding="utf-8"))
            stack.enter_context(_redirected(1, err if self.verbose else sink))
            stack.enter_context(contextlib.redirect_stdout(sys.stderr if self.verbose else sink))
            if not self.verbose:
                stack.enter_context(_redirected(2, sink))
                stack.enter_context(contextlib.redirect_stderr(_BarsOnly(err)))
                stack.enter_context(_crash_traces(err))
            stack.callback(setattr, self, "err", self.err)
            self.err = err
            yield


class _BarsOnly(io.TextIOBase):
    """Passes on progress bars, which begin with a carriage return, and drops everything else.

    Log handlers may keep it after `stream` is closed.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._in_bar = False

    def write(self, text: str) -> int:
        if text.startswith("\r") or (self._in_bar and text == "\n"):
            self._stream.write(text)
            self._in_bar = text != "\n"
        return len(text)

    def flush(self) -> None:
        if not self._stream.closed:
            self._stream.flush()

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()


@contextlib.contextmanager
def _kept_open(stream: TextIO, descriptor: int) -> Iterator[TextIO]:
    """Yield a stream that still writes to `stream` after its file descriptor is redirected."""
    if _descriptor(stream) != descriptor:
        yield stream  # replaced in Python, as in tests, so a redirection does not affect it
        return
    with open(
        os.dup(descriptor), "w", buffering=1, encoding=stream.encoding, errors="backslashreplace"
    ) as copy:
        yield copy


def _descriptor(stream: TextIO) -> int | None:
    """Return the file descriptor of a stream; None if it has none."""
    try:
        return stream.fileno()
    except (OSError, ValueError):
        return None


@contextlib.contextmanager
def _redirected(descriptor: int, stream: TextIO) -> Iterator[None]:
    target = _descriptor(stream)
    saved = os.dup(descriptor)
    os.dup2(2 if target is None else target, descriptor)
    try:
        yield
    finally:
        os.dup2(saved, descriptor)
        os.close(saved)


@contextlib.contextmanager
def _crash_traces(stream: TextIO) -> Iterator[None]:
    if faulthandler.is_enabled() or _descriptor(stream) is None:
        yield
        return
    faulthandler.enable(file=stream)
    try:
        yield
    finally:
        faulthandler.disable()


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value
