"""Loads the scripts of benchmarks/ as modules."""

import importlib.util
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def load(monkeypatch):
    """Return a function that loads a file of benchmarks/; the files import each other."""
    monkeypatch.syspath_prepend(str(BENCHMARKS / "peers"))
    monkeypatch.syspath_prepend(str(BENCHMARKS))

    def loaded(path):
        name = ".".join(Path(path).with_suffix("").parts)
        spec = importlib.util.spec_from_file_location(name, BENCHMARKS / path)
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)  # dataclasses and other files look it up
        spec.loader.exec_module(module)
        return module

    return loaded
