"""Replace attributes of another library for the length of a block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def replaced(owner: Any, **attributes: Any) -> Iterator[None]:
    """Give attributes of a module or class other values in this block.

    Args:
        owner: the module or class, which has the attributes itself.
        attributes: the values in the block, by name; the former ones are restored after it.
    """
    before = {name: getattr(owner, name) for name in attributes}
    for name, value in attributes.items():
        setattr(owner, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(owner, name, value)
