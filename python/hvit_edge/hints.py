"""Show remedies as options on the command line, and as arguments in Python.

A message contains both forms, the option first: `--weights FILE (weights=)`. The reader of the
message sees only one of them.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_WORD = r"[^\s();,]+(?:,[^\s();,]+)*"
_OPTION = rf"--[a-z][a-z0-9-]*(?: {_WORD}(?: or {_WORD})?)?"
_ARGUMENT = r"[a-z_]+=(?:[^()]|\([^()]*\))*"
_PAIR = re.compile(rf"({_OPTION}) \(({_ARGUMENT})\)")
_command_line: ContextVar[bool] = ContextVar("command_line", default=False)


@contextmanager
def on_command_line() -> Iterator[None]:
    """Show remedies as options of the command line in this context."""
    token = _command_line.set(True)
    try:
        yield
    finally:
        _command_line.reset(token)


FORMS = "FILE.py:FACTORY, timm:NAME[.TAG] or hf:OWNER/REPO"
"""The addresses of modules that are not registered."""


def worded(message: str) -> str:
    """Return the message with only the reader's form of each remedy.

    `pass --weights FILE (weights=)` becomes `pass --weights FILE` on the command line and
    `pass weights=` in Python. A remedy with only one form does not change.
    """
    return _PAIR.sub(r"\1" if _command_line.get() else r"\2", message)


def unknown_name(name: str, known: list[str]) -> str:
    """Return the error message for a name that is not registered."""
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return (
        f"[model] expected a known name, got {name!r}; {hint}known: {', '.join(known)}; or give"
        f" {FORMS}"
    )
