"""The numbers and fields of ExecuTorch's schema, compared with the code that flatc generated."""

import importlib

import pytest

from hvit_edge.artifact import program_schema
from hvit_edge.artifact.program_schema import INSTRUCTIONS, KERNEL_TYPES, pack

GENERATED = "executorch.exir._serialize.generated.executorch_flatbuffer"


def generated(name: str):
    return importlib.import_module(f"{GENERATED}.{name}")


def camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


@pytest.mark.parametrize("table", program_schema._TABLES)
def test_fields_are_those_of_executorch(table):
    """A field of a union has a second field, its type, before it."""
    expected = vars(getattr(generated(table), f"{table}T")())
    fields = []
    for name, kind in program_schema._TABLES[table]:
        fields += [f"{camel(name)}Type"] * (kind in program_schema._UNIONS) + [camel(name)]
    assert fields == list(expected)


@pytest.mark.parametrize(
    "union, members", [("KernelTypes", KERNEL_TYPES), ("InstructionArguments", INSTRUCTIONS)]
)
def test_members_of_unions_have_their_numbers(union, members):
    numbers = getattr(generated(union), union)
    assert [getattr(numbers, member) for member in members] == list(range(1, 1 + len(members)))


def test_a_field_that_the_schema_lacks_is_refused():
    with pytest.raises(ValueError, match="expected fields of DataSegment, got length"):
        pack({"segments": [{"offset": 0, "length": 1}]})
