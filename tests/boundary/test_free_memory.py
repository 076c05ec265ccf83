"""Unreachable objects are deleted, and free memory is returned where the C library can do so."""

from __future__ import annotations

import weakref

import pytest

from hvit_edge.boundary import free_memory as tested
from hvit_edge.boundary.free_memory import free_memory


class Cyclic:
    """Refers to itself, as graphs do."""

    def __init__(self) -> None:
        self.me = self


class Library:
    """A C library with `malloc_trim`."""

    def __init__(self) -> None:
        self.padding: list[int] = []

    def malloc_trim(self, padding: int) -> int:
        self.padding.append(padding)
        return 1


@pytest.mark.parametrize("library", [Library(), object()], ids=["glibc", "another"])
def test_unreachable_objects_are_deleted_with_any_library(library, monkeypatch):
    monkeypatch.setattr(tested.ctypes, "CDLL", lambda name: library)
    cyclic = Cyclic()
    seen = weakref.ref(cyclic)
    del cyclic
    free_memory()
    assert seen() is None
    assert getattr(library, "padding", [0]) == [0]


def test_the_library_of_this_system():
    free_memory()
