"""Print file names of any bytes on one line of a message."""

from __future__ import annotations

import os
import unicodedata

UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # controls, undecodable bytes, breaks
"""Unicode categories that may break a line, a terminal or an encoder."""


def printable(text: object) -> str:
    r"""Return `text` on one line; line breaks and undecodable bytes become `\n`, `\udcff`.

    Args:
        text: a string, a path or any object; bytes are decoded as a file name.
    """
    text = os.fsdecode(text) if isinstance(text, bytes) else str(text)
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(c) if unicodedata.category(c) in UNPRINTABLE else c for c in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
