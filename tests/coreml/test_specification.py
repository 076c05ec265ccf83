"""The classes of the specification, imported without coremltools."""

import subprocess
import sys

import pytest

from hvit_edge.coreml.specification import model_class
from hvit_edge.errors import InputError

LIGHT = """
import sys
from hvit_edge.coreml.specification import model_class
found = model_class()
assert not [name for name in sys.modules if name.partition(".")[0] == "coremltools"]
assert model_class() is found
"""
THEN_ALL = """
from hvit_edge.coreml.toolkit import toolkit
assert toolkit().proto.Model_pb2.Model is found
assert model_class() is found
assert toolkit().models.MLModel
"""


def run(code: str) -> None:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_coremltools_is_not_imported():
    run(LIGHT)


@pytest.mark.slow
def test_the_classes_are_those_of_coremltools_that_is_imported_later():
    run(LIGHT + THEN_ALL)


def test_a_missing_coremltools_is_named(monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "coremltools"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "coremltools", None)
    with pytest.raises(InputError, match="coremltools, which is not installed"):
        model_class()
