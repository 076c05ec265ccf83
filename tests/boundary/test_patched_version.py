"""Patches for another version of a library: optional ones are left out, required ones refused."""

import re
from contextlib import contextmanager
from pathlib import Path

import pytest

from hvit_edge.boundary import patched_version
from hvit_edge.boundary.patched_version import (
    COREMLTOOLS,
    EXECUTORCH,
    TORCH,
    Patched,
    installed,
    optional,
    required,
)
from hvit_edge.errors import LoweringError

ROOT = Path(__file__).parents[2]
LIBRARY = Patched("torch", "2.13.0")


@pytest.fixture
def found(monkeypatch):
    """Return a function that sets the version that is installed."""
    monkeypatch.setattr(patched_version, "_noticed", set())
    yield lambda number: (
        installed.cache_clear(),
        monkeypatch.setattr(patched_version, "version", lambda package: number),
    )
    installed.cache_clear()


def patched(kind, held):
    @kind(LIBRARY)
    @contextmanager
    def patch(value):
        held.append(value)
        yield
        held.remove(value)

    return patch


@pytest.mark.parametrize("kind", [optional, required])
@pytest.mark.parametrize("number", ["2.13.0", "2.13.0+cpu"])
def test_a_patch_holds_in_its_block_for_the_version_that_was_patched(found, kind, number):
    found(number)
    held = []
    with patched(kind, held)("new"):
        assert held == ["new"]
    assert held == []


def test_an_optional_patch_of_another_version_is_left_out_with_one_notice(found, recwarn):
    found("2.14.1")
    held = []
    for _ in range(2):
        with patched(optional, held)("new"):
            assert held == []
    (notice,) = recwarn
    assert re.match(r"\[patches\] expected torch 2.13.0, .* got 2.14.1; ", str(notice.message))
    assert str(notice.message).endswith("; pip install torch==2.13.0")


def test_a_required_patch_of_another_version_is_refused_with_what_to_install(found):
    found("2.14.1")
    held = []
    message = r"\[patches\] expected torch 2.13.0, .* got 2.14.1; pip install torch==2.13.0"
    with pytest.raises(LoweringError, match=message), patched(required, held)("new"):
        pass
    assert held == []


def test_a_package_that_is_not_installed_has_no_version():
    assert installed("hvit-edge-has-no-such-package") == ""


@pytest.mark.parametrize("library", [TORCH, EXECUTORCH, COREMLTOOLS], ids=lambda each: each.package)
def test_the_patched_versions_are_those_that_are_pinned(library):
    pins = dict(re.findall(r"^([\w-]+)==([^;\s]+)", (ROOT / "constraints.txt").read_text(), re.M))
    assert library.version == pins[library.package]
    assert library.matches()
