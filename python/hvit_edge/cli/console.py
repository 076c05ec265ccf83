"""Where the command line prints: results to stdout, everything else to stderr."""

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
    """The two streams of one command.

    Attributes:
        verbose: show what other packages print and where an error happened.
        err: stderr of this command, even inside `quiet()`.
        step: what the verb is doing, one word; empty if it has no steps.
    """

    def __init__(self, *, verbose: bool = False) -> None:
        self.verbose = verbose
        self.err: TextIO = sys.stderr
        self.step = ""
        strict = getattr(sys.stdout, "errors", None) == "strict"
        if strict and isinstance(sys.stdout, io.TextIOWrapper):  # file names may hold any bytes
            sys.stdout.reconfigure(errors="backslashreplace")

    def print(self, text: str) -> None:
        """A result, to stdout."""
        print(text, file=sys.stdout)

    def json(self, value: Any) -> None:
        """A result as strict JSON, to stdout: NaN and infinity become null."""
        self.print(json.dumps(_finite(value), indent=2, allow_nan=False))

    def note(self, text: str) -> None:
        """A remark, to stderr."""
        print(text, file=self.err, flush=True)

    def begin(self, step: str) -> None:
        """Note that a step begins, on stderr and for the message of a failure."""
        self.step = step
        self.note(f"{step} ...")

    def flush(self) -> None:
        """Write out what stdout still holds; raises BrokenPipeError where the reader has gone."""
        sys.stdout.flush()

    @contextlib.contextmanager
    def quiet(self) -> Iterator[None]:
        """Run other packages' code: nothing of what it prints reaches stdout.

        What it prints, in Python or in C, goes to stderr with `verbose` and nowhere without, but
        for progress bars and the trace of a crash.
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
    """A stream that lets progress bars through, which begin with a carriage return.

    Warnings, logs and prints end here; log handlers may keep it after `stream` has been closed.
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
    """`stream`, written past a redirection of its file descriptor."""
    if _descriptor(stream) != descriptor:
        yield stream  # replaced in Python, as tests do: no redirection touches it
        return
    with open(
        os.dup(descriptor), "w", buffering=1, encoding=stream.encoding, errors="backslashreplace"
    ) as copy:
        yield copy


def _descriptor(stream: TextIO) -> int | None:
    """The file behind a stream; None where it writes elsewhere."""
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
