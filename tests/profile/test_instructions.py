"""Counts are assigned to operators; QEMU itself is tested in test_arm.py."""

import pytest

from hvit_edge.devices.cores import CORES
from hvit_edge.profile.instructions import OUTSIDE, Instructions, between_reads

OPERATORS = [
    {"name": "Transpose (ND, X32) #1", "first": 1, "last": 2},
    {"name": "Copy (NC, X32) #1", "first": 2, "last": 5},
    {"name": "Softmax (NC, F32) #1", "first": 7, "last": 8},  # of another delegate
]


def test_instructions_between_reads():
    reads = [90, 100, 130, 131, 132, 150, 1000, 1010, 1017]
    assert list(between_reads(OPERATORS, reads)) == [
        ("Transpose (ND, X32) #1", 30),
        ("Copy (NC, X32) #1", 20),
        ("Softmax (NC, F32) #1", 7),
    ]


@pytest.mark.parametrize("reads", [[], list(range(8)), list(range(10))])
def test_other_numbers_of_reads_are_refused(reads):
    with pytest.raises(ValueError, match=rf"{len(reads)} reads of the clock for 3 operators"):
        list(between_reads(OPERATORS, reads))


def test_no_operators_are_refused():
    with pytest.raises(ValueError, match="for 0 operators"):
        list(between_reads([], [1, 2]))


def test_kernels_sum_to_the_total():
    operators = (("Softmax (NC) #1", 20), ("Teleport (NC) #1", 5), ("Softmax (NC) #2", 1))
    counted = Instructions(100, {"xnnpack": 100}, operators)
    kernels = {group: count for group, count in counted.kernels.items() if count}
    assert kernels == {"softmax": 21, "other": 5, OUTSIDE: 74}
    assert counted.unknown == ("Teleport (NC) #1",)
    found = counted.to_dict()
    assert found["kernels"]["softmax"] == {"instructions": 21, "share": 0.21}
    assert found["operators"][1] == {"name": "Teleport (NC) #1", "instructions": 5}
    assert (found["total"], found["groups"]) == (100, {"xnnpack": 100})
    assert found["unknown"] == ["Teleport (NC) #1"]
    assert found["estimates"] == []


def test_milliseconds_are_marked_as_estimated():
    classes = {"memory": 20_000_000, "vector": 70_000_000, "scalar": 10_000_000}
    found = Instructions(100_000_000, {}, (), classes, 1_000_000).to_dict()
    assert found["classes"] == classes
    assert [each["core"] for each in found["estimates"]] == [core.name for core in CORES]
    assert all(each["estimate"] for each in found["estimates"])
