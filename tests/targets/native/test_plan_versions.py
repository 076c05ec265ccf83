"""The writer still gives the committed plan of each version, byte for byte."""

import importlib
import struct
import sys
from pathlib import Path

import pytest

from hvit_edge.targets.native.kinds import COUNTS, OLDEST_VERSION, VERSION, Kind, version_of

CPP_TESTS = Path(__file__).parents[3] / "cpp/tests"
PLANS = CPP_TESTS / "data/plans"
VERSIONS = range(OLDEST_VERSION, VERSION + 1)


@pytest.fixture(scope="module")
def make_plans():
    sys.path.insert(0, str(CPP_TESTS))
    try:
        yield importlib.import_module("make_plans")
    finally:
        sys.path.remove(str(CPP_TESTS))


@pytest.mark.parametrize("version", VERSIONS)
def test_the_plan_is_the_committed_one(make_plans, version):
    case = make_plans.case_of(version)
    data = case.write()
    assert struct.unpack_from("<q", data, 8) == (version,)
    assert data == (PLANS / f"v{version}.plan").read_bytes()
    assert case.text() == (PLANS / f"v{version}.txt").read_text()


@pytest.mark.parametrize("version", VERSIONS)
def test_the_plan_has_every_kind_that_its_version_added(version):
    data = (PLANS / f"v{version}.plan").read_bytes()
    words, names_bytes = struct.unpack_from("<2q", data, 40)
    names = data[72 + 8 * words :][:names_bytes].decode().split("\0")
    found = {name.split()[0] for name in names if name}
    added = {kind for kind in Kind if version_of(kind) == version}
    assert {kind.name.replace("_", "").lower() for kind in added} <= set(map(str.lower, found))


def test_there_is_a_plan_of_each_version():
    assert sorted(path.name for path in PLANS.glob("*.plan")) == [f"v{v}.plan" for v in VERSIONS]


def test_every_number_that_a_version_added_is_in_its_answers():
    for version in VERSIONS:
        lines = (PLANS / f"v{version}.txt").read_text().splitlines()
        names = [line.split(" ", 1)[0] for line in lines]
        for prefix in ("function", "arithmetic", "reduce"):
            numbers = next(kind for kind in COUNTS if kind.__name__.lower() == prefix)
            for number in (number for number in numbers if version_of(number) == version):
                assert f"{prefix}_{number.name.lower()}" in names
