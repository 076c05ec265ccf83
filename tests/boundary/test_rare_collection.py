"""Python looks for unreachable objects less often in a block, and as before after it."""

from __future__ import annotations

import gc

import pytest

import hvit_edge
from hvit_edge.boundary.rare_collection import ALLOCATIONS, rarely_collected
from hvit_edge.boundary.torch_state import settled


@pytest.fixture(autouse=True)
def users_threshold():
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    yield
    gc.set_threshold(*before)


def test_the_threshold_is_raised_until_the_last_block_ends():
    with rarely_collected():
        with rarely_collected():
            assert gc.get_threshold() == (ALLOCATIONS, 10, 10)
        assert gc.get_threshold() == (ALLOCATIONS, 10, 10)
    assert gc.get_threshold() == (700, 10, 10)


def test_the_threshold_is_restored_after_an_error():
    with pytest.raises(ZeroDivisionError), rarely_collected():
        _ = 1 / 0
    assert gc.get_threshold() == (700, 10, 10)


@pytest.mark.parametrize("threshold", [(0, 10, 10), (ALLOCATIONS + 1, 3, 2)])
def test_a_collector_that_is_off_or_rarer_stays(threshold):
    gc.set_threshold(*threshold)
    with rarely_collected():
        assert gc.get_threshold() == threshold
    assert gc.get_threshold() == threshold


def test_public_functions_of_pytorch_collect_rarely():
    assert settled(gc.get_threshold)() == (ALLOCATIONS, 10, 10)
    assert gc.get_threshold() == (700, 10, 10)


def test_public_names_are_imported_with_a_rare_collector(monkeypatch):
    seen = []

    def imported(name: str) -> object:
        seen.append(gc.get_threshold())
        return gc

    monkeypatch.setattr(hvit_edge, "import_module", imported)
    monkeypatch.setitem(hvit_edge._PUBLIC, "collect", "gc")
    assert hvit_edge.collect is gc.collect
    assert seen == [(ALLOCATIONS, 10, 10)]
