"""Where the command line prints: results to stdout, everything else to stderr."""

from __future__ import annotations

import contextlib
import faulthandler
import json
import logging
import math
import os
import sys
import warnings
from collections.abc import Iterator
from typing import Any, TextIO


class Console:
    """The two streams of one command.

    Attributes:
        verbose: show what other packages print and where an error happened.
        err: stderr of this command, even inside `quiet()`.
    """

    def __init__(self, *, verbose: bool = False) -> None:
        self.verbose = verbose
        self.err: TextIO = sys.stderr

    def print(self, text: str) -> None:
        """A result, to stdout."""
        print(text, file=sys.stdout)

    def json(self, value: Any) -> None:
        """A result as strict JSON, to stdout: NaN and infinity become null."""
        self.print(json.dumps(_finite(value), indent=2, ensure_ascii=False, allow_nan=False))

    def note(self, text: str) -> None:
        """A remark, to stderr."""
        print(text, file=self.err, flush=True)

    def flush(self) -> None:
        """Write out what stdout still holds; raises BrokenPipeError where the reader has gone."""
        sys.stdout.flush()

    @contextlib.contextmanager
    def quiet(self) -> Iterator[None]:
        """Run other packages' code: nothing of what it prints reaches stdout.

        What it prints, in Python or in C, goes to stderr with `verbose` and nowhere without;
        `sys.stderr` stays ours, so that progress bars show. A crash still leaves its trace.
        """
        sys.stdout.flush()
        sys.stderr.flush()
        with contextlib.ExitStack() as stack:
            err = stack.enter_context(_kept_open(sys.stderr, 2))
            sink = stack.enter_context(open(os.devnull, "w", encoding="utf-8"))
            stack.enter_context(_redirected(1, err if self.verbose else sink))
            stack.enter_context(contextlib.redirect_stdout(err if self.verbose else sink))
            if not self.verbose:
                stack.enter_context(_redirected(2, sink))
                stack.enter_context(contextlib.redirect_stderr(err))
                stack.enter_context(_crash_traces(err))
                stack.enter_context(_without_warnings())
            stack.callback(setattr, self, "err", self.err)
            self.err = err
            yield


@contextlib.contextmanager
def _kept_open(stream: TextIO, descriptor: int) -> Iterator[TextIO]:
    """`stream`, written past a redirection of its file descriptor."""
    if not _writes_to(stream, descriptor):
        yield stream  # replaced in Python, as tests do: no redirection touches it
        return
    with open(
        os.dup(descriptor), "w", buffering=1, encoding=stream.encoding, errors="backslashreplace"
    ) as copy:
        yield copy


def _writes_to(stream: TextIO, descriptor: int) -> bool:
    try:
        return stream.fileno() == descriptor
    except (OSError, ValueError):
        return False


@contextlib.contextmanager
def _redirected(descriptor: int, stream: TextIO) -> Iterator[None]:
    try:
        target = stream.fileno()
    except (OSError, ValueError):
        target = 2
    saved = os.dup(descriptor)
    os.dup2(target, descriptor)
    try:
        yield
    finally:
        os.dup2(saved, descriptor)
        os.close(saved)


@contextlib.contextmanager
def _crash_traces(stream: TextIO) -> Iterator[None]:
    if faulthandler.is_enabled() or not hasattr(stream, "fileno"):
        yield
        return
    try:
        faulthandler.enable(file=stream)
    except (OSError, ValueError):
        yield
        return
    try:
        yield
    finally:
        faulthandler.disable()


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
    """Hide warnings of other packages; ours, raised from a module of hvit_edge, stay."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.filterwarnings("default", module=r"hvit_edge(\.|$)")
            yield
    finally:
        logging.disable(before)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value
