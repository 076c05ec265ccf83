"""Modules that take the place of others while a library is imported."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

import pytest

from hvit_edge.boundary.patches import standing_in
from hvit_edge.boundary.stand_ins import Later, with_functions

NAME = "wsgiref.util"  # a module that nothing else imports


@pytest.fixture(autouse=True)
def not_imported(monkeypatch):
    monkeypatch.delitem(sys.modules, NAME, raising=False)


def test_a_stand_in_takes_the_place_until_the_block_ends():
    module = ModuleType(NAME)
    with standing_in({NAME: module}):
        assert importlib.import_module(NAME) is module
    assert NAME not in sys.modules
    assert importlib.import_module(NAME) is not module


def test_none_makes_an_import_fail():
    with standing_in({NAME: None}), pytest.raises(ImportError):
        importlib.import_module(NAME)
    assert importlib.import_module(NAME)


def test_a_module_that_is_imported_already_stays():
    real = importlib.import_module(NAME)
    with standing_in({NAME: None}):
        assert importlib.import_module(NAME) is real
    assert sys.modules[NAME] is real


def test_a_module_that_was_imported_in_the_block_stays():
    with standing_in({NAME: None}):
        del sys.modules[NAME]
        real = importlib.import_module(NAME)
    assert sys.modules[NAME] is real


def test_functions_import_the_module_when_they_are_called():
    module = with_functions(NAME, "guess_scheme")
    assert NAME not in sys.modules
    assert module.guess_scheme({"HTTPS": "on"}) == "https"
    assert NAME in sys.modules


def test_anything_of_a_later_module_imports_it():
    module = Later(NAME)
    with pytest.raises(AttributeError):
        _ = module.__path__
    assert NAME not in sys.modules
    assert module.FileWrapper is importlib.import_module(NAME).FileWrapper
