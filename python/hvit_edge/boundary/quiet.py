"""Hide warnings and logs of PyTorch, ExecuTorch and coremltools from the users of this package.

They are dropped only in threads that run a function of this package. Warnings and logs of the
user's module, and of this package, are shown as usual.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

LIBRARIES = frozenset(
    ["torch", "torchao", "functorch", "executorch", "coremltools"]
    + ["torchvision", "timm", "transformers", "huggingface_hub"]
)
OWN = __name__.split(".")[0]
CARRIERS = frozenset(
    ["warnings", "logging", "contextlib", "functools", "importlib"]
    + ["copy", "copyreg", "typing_extensions"]
)
"""Packages that warn or log on behalf of their callers."""
HEARD = frozenset({"executorch.backends.xnnpack.partition"})
"""Loggers that this package reads."""
USERS_SWITCH = "TORCH_LOGS"
"""Environment variable of users who want to see the logs of PyTorch."""

_thread = threading.local()
_lock = threading.Lock()
_inside = 0  # number of threads in `quiet`
_users_filters: list[object] = []  # filters of the user, while a thread is in `quiet`


@contextmanager
def quiet() -> Iterator[None]:
    """Drop warnings and log records of the libraries in this thread.

    When the last thread leaves, the user's warning filters, log levels and log handlers are
    restored. Blocks may be nested.
    """
    depth = getattr(_thread, "depth", 0)
    handlers = list(logging.root.handlers)
    if depth == 0:
        _count(1)
    _thread.depth = depth + 1
    try:
        yield
    finally:
        _thread.depth = depth
        if depth == 0:
            _count(-1)
            _remove_default_handlers(handlers)


def _count(change: int) -> None:
    """Count threads that enter or leave; the first installs the filters, the last removes them."""
    global _inside
    with _lock:
        _inside += change
        if change > 0 and _inside == 1:
            logging.Logger.callHandlers = _call_handlers
            _users_filters[:] = [f for f in warnings.filters if f is not _FILTER]
        elif _inside == 0 and logging.Logger.callHandlers is _call_handlers:
            logging.Logger.callHandlers = _original_call_handlers
        if change > 0:  # keep it first, even if a thread has added filters since
            warnings.filters[:] = [_FILTER, *(f for f in warnings.filters if f is not _FILTER)]
        elif _inside == 0:  # also drops the filters that libraries add when they are imported
            warnings.filters[:] = _users_filters


def _is_quiet() -> bool:
    return getattr(_thread, "depth", 0) > 0


class _OfLibraries:
    """Matches warnings in a filter by the package that warns, not by the text."""

    def match(self, text: str) -> bool:
        return _is_quiet() and _is_librarys(sys._getframe(1))


_FILTER = ("ignore", _OfLibraries(), Warning, None, 0)
_original_call_handlers = logging.Logger.callHandlers


def _call_handlers(logger: logging.Logger, record: logging.LogRecord) -> None:
    """Replace `logging.Logger.callHandlers`: pass on a record unless a library logged it."""
    if _is_quiet() and record.name not in HEARD and record.levelno < logging.CRITICAL:
        name = record.name.split(".")[0]
        wanted = name == "torch" and os.environ.get(USERS_SWITCH)
        if not wanted and (name in LIBRARIES or _is_librarys(sys._getframe(1))):
            return
    _original_call_handlers(logger, record)


def _is_librarys(frame: FrameType | None) -> bool:
    """Return True if a library warns or logs, directly or through a carrier.

    This package warns in its own frames. A warning of a carrier that works for this package, such
    as `copyreg` when it copies a class of PyTorch, counts as a library's.
    """
    carried = False
    while frame is not None:
        package = str(frame.f_globals.get("__name__", "")).split(".")[0]
        if package not in CARRIERS and frame.f_code is not _call_handlers.__code__:
            return package in LIBRARIES or (carried and package == OWN)
        carried = carried or package in ("copy", "copyreg", "typing_extensions")
        frame = frame.f_back
    return False


def _remove_default_handlers(before: list[logging.Handler]) -> None:
    """Remove the handler that `logging.warning(...)` of a library installs if there is none."""
    if before:
        return
    for handler in list(logging.root.handlers):
        formatter = handler.formatter
        plain = type(handler) is logging.StreamHandler and handler.level == logging.NOTSET
        if plain and formatter is not None and formatter._fmt == logging.BASIC_FORMAT:
            logging.root.removeHandler(handler)


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Drop the output of C and C++ code to stderr.

    Use it only for short blocks, because it affects the complete process.
    """
    sys.stderr.flush()
    try:
        saved = os.dup(2)
    except OSError:  # closed
        yield
        return
    try:
        with open(os.devnull, "wb") as sink:
            os.dup2(sink.fileno(), 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
