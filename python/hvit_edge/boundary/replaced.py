"""Replace attributes of another library for the length of a block; only `patches.py` files do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_MISSING = object()


@contextmanager
def replaced(owner: Any, **attributes: Any) -> Iterator[None]:
    """Give attributes of a module or class other values in this block.

    Args:
        owner: the module or class, which has the attributes.
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


@contextmanager
def added(owner: Any, **attributes: Any) -> Iterator[None]:
    """Give a module or class attributes of its own in this block.

    Args:
        owner: the module or class. It may inherit the attributes, or find them among the builtins.
        attributes: the values in the block, by name. After it, the owner has those of an outer
            block again, or none of its own.
    """
    before = {name: vars(owner).get(name, _MISSING) for name in attributes}
    for name, value in attributes.items():
        setattr(owner, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is _MISSING:
                delattr(owner, name)
            else:
                setattr(owner, name, value)
