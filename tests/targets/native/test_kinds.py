"""The numbers of kinds.py and of cpp/src/native/kinds.h are the same, and every one is used."""

import re
from pathlib import Path

import pytest

from hvit_edge.targets.native import kinds
from hvit_edge.targets.native.kinds import (
    COUNTS,
    FUNCTION_OF,
    Activation,
    Arithmetic,
    Function,
    Kind,
    PoolKind,
    Reduce,
    version_of,
)
from hvit_edge.targets.native.values import Space
from hvit_edge.targets.native.write_plan import KINDS, MAGIC

NATIVE = Path(__file__).parents[3] / "cpp/src/native"
NAMES = {
    "Kind": Kind,
    "Activation": Activation,
    "Pool": PoolKind,
    "Function": Function,
    "Arithmetic": Arithmetic,
    "Reduce": Reduce,
}
"""Enumerations of C++ by name, and the same in Python."""


def source(name):
    return (NATIVE / name).read_text()


def enumeration(text, name):
    """The numbers of a C++ enumeration by name."""
    body = re.search(rf"enum class {name} : std::int32_t {{(.*?)}};", text, re.DOTALL)[1]
    body = re.sub(r"//[^\n]*", "", body)
    found = dict(re.findall(r"(\w+) = (-?\d+)", body))
    assert len(found) == len([item for item in body.split(",") if item.strip()]), name
    return {key: int(value) for key, value in found.items()}


def snake(name):
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def constant(text, name):
    return int(re.search(rf"constexpr std::int64_t {name} = (\w+);", text)[1], 0)


@pytest.mark.parametrize("name", NAMES)
def test_both_languages_have_the_same_numbers(name):
    ours = {member.name.lower(): member.value for member in NAMES[name]}
    assert enumeration(source("kinds.h"), name) == ours
    assert sorted(ours.values()) == list(range(len(ours)))


def test_no_enumeration_with_numbers_is_left_out():
    assert re.findall(r"enum class (\w+) : std::int32_t {[^}]*=", source("kinds.h")) == [*NAMES]


def test_spaces_have_the_same_numbers():
    ours = {member.name.lower(): member.value for member in Space}
    assert enumeration(source("operations.h"), "Space") == {"none": -1, **ours}


def test_both_languages_have_the_same_versions():
    text = source("kinds.h")
    assert constant(text, "kOldestVersion") == kinds.OLDEST_VERSION
    assert constant(text, "kVersion") == kinds.VERSION
    found = dict(re.findall(r"constexpr CountByVersion k(\w+)Counts = {([\d, ]+)};", text))
    counts = {name: tuple(map(int, found[name].split(","))) for name in found}
    assert counts == {name: COUNTS[NAMES[name]] for name in NAMES}


@pytest.mark.parametrize("numbers", COUNTS)
def test_the_newest_version_has_every_number_and_no_version_loses_one(numbers):
    counts = COUNTS[numbers]
    assert len(counts) == kinds.VERSION
    assert counts[-1] == len(numbers)
    assert list(counts) == sorted(counts)
    assert [version_of(number) for number in numbers] == sorted(map(version_of, numbers))


def test_the_first_numbers_of_later_versions():
    assert version_of(Kind.INVERTED_RESIDUAL) == 1 and version_of(Kind.UNARY) == 2
    assert version_of(Kind.MATMUL) == 2 and version_of(Kind.SELECT) == 3
    assert version_of(Activation.GELU) == 1 and version_of(Activation.SIGMOID) == 2
    assert version_of(Arithmetic.POWER) == 2 and version_of(Arithmetic.GREATER) == 3


def test_activations_are_the_same_functions_in_both_languages():
    text = source("kinds.h")
    found = re.findall(r"case Activation::(\w+):\s+return (inside|after)\((\w+)::(\w+)\);", text)
    after = {name: function for name, how, _, function in found if how == "after"}
    assert after == {key.name.lower(): value.name.lower() for key, value in FUNCTION_OF.items()}
    inside = {name for name, how, _, fused in found if how == "inside" and name == fused}
    assert inside == {kind.name.lower() for kind in Activation} - after.keys()


def test_every_kind_is_an_operation_of_the_writer_and_of_the_reader():
    assert sorted(KINDS.values()) == list(Kind)
    assert all(snake(operation.__name__) == kind.name.lower() for operation, kind in KINDS.items())
    read = re.findall(r"case Kind::(\w+):\s+return read_(\w+)\(reader\);", source("read_plan.cpp"))
    assert sorted(read) == sorted((kind.name.lower(),) * 2 for kind in Kind)


def test_operations_are_in_the_order_of_their_kinds():
    alternatives = re.search(
        r"using Operation =\s+std::variant<(.*?)>;", source("operations.h"), re.DOTALL
    )[1]
    assert [snake(name.strip()) for name in alternatives.split(",")] == [
        kind.name.lower() for kind in Kind
    ]


def test_plans_begin_with_the_same_letters():
    text = source("read_plan.h")
    found = [constant(text, name).to_bytes(8, "little") for name in ("kMagic", "kHalfMagic")]
    assert found == [*MAGIC.values()]
