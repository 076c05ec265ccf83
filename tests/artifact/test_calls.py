"""Counts of calls in an ExecuTorch program, compared with ExecuTorch's own reader."""

import struct
from collections import Counter

import numpy as np
import pytest
import torch
from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
from executorch.exir import to_edge_transform_and_lower
from executorch.exir.schema import DelegateCall, KernelCall

from hvit_edge.artifact.calls import count_calls, is_native
from hvit_edge.artifact.flatbuffer import Table
from hvit_edge.errors import ArtifactError
from hvit_edge.lowering import NATIVE_PIPELINE, export_graph, rewrite
from hvit_edge.targets.native.lower import lower


class Mixed(torch.nn.Module):
    """Has convolutions for the delegate, around a norm and a sum that stay outside."""

    def __init__(self):
        super().__init__()
        self.first = torch.nn.Conv2d(3, 4, 3)
        self.norm = torch.nn.LayerNorm(6)
        self.second = torch.nn.Conv2d(4, 4, 3)

    def forward(self, x):
        return self.second(self.norm(self.first(x))).cumsum(-1).cumsum(-2)


@pytest.fixture(scope="module")
def program():
    """Return a program with operators outside, two delegates and a constant method."""
    exported = torch.export.export(Mixed().eval(), (torch.ones(1, 3, 8, 8),))
    return to_edge_transform_and_lower(
        exported, partitioner=[XnnpackPartitioner()], constant_methods={"hve_answer": 42}
    ).to_executorch()


def test_counts_are_those_of_executorch(program):
    plan = next(p for p in program.executorch_program.execution_plan if p.name == "forward")
    calls = [i.instr_args for chain in plan.chains for i in chain.instructions]
    expected = Counter(
        ".".join(
            filter(None, (plan.operators[c.op_index].name, plan.operators[c.op_index].overload))
        )
        for c in calls
        if isinstance(c, KernelCall)
    )
    delegates, outside = count_calls(program.buffer)
    assert outside == expected
    assert outside["aten::cumsum.out"] == 2
    assert delegates == {"XnnpackBackend": sum(isinstance(c, DelegateCall) for c in calls)}
    assert delegates["XnnpackBackend"] == 2


def test_constant_method_calls_nothing(program):
    assert count_calls(program.buffer, "hve_answer") == ({}, {})


def test_only_programs_of_the_native_backend_are_native(program):
    exported = export_graph(torch.nn.ReLU().eval(), (torch.ones(1, 4),))
    rewrite(exported, passes=NATIVE_PIPELINE)
    native = lower(exported, (torch.ones(1, 4),)).serialize(constant_methods={"hve_answer": 42})
    assert count_calls(native) == ({"HvitEdgeBackend": 1}, {})
    assert is_native(native)
    assert not is_native(program.buffer)
    with pytest.raises(ArtifactError, match="expected an ExecuTorch program, got other content"):
        is_native(b"ET12" * 4)


def test_missing_method_is_refused(program):
    with pytest.raises(ArtifactError, match="with the method 'backward', got other content"):
        count_calls(program.buffer, "backward")


@pytest.mark.parametrize("content", [b"", b"ET12", b"\0" * 64, b"\xff" * 64])
def test_other_content_is_refused(content):
    with pytest.raises(ArtifactError, match="expected an ExecuTorch program"):
        count_calls(content)


def test_truncated_program_is_refused(program):
    size = struct.unpack_from("<I", program.buffer)[0]
    for length in (8, size, size + 16):
        with pytest.raises(ArtifactError, match="expected an ExecuTorch program"):
            count_calls(program.buffer[:length])


def test_damaged_program_is_counted_or_refused_and_nothing_else(program):
    """The seal is checked first; this is the second line of defense."""
    random = np.random.default_rng(0)
    refused = 0
    for _ in range(300):
        damaged = bytearray(program.buffer)
        for position in random.integers(len(damaged), size=200):
            damaged[position] = random.integers(256)
        damaged[4:8] = b"ET12"
        try:
            count_calls(bytes(damaged))
        except ArtifactError:
            refused += 1
    assert refused > 0


def test_fields_that_a_table_leaves_out_are_empty():
    """A vtable of four bytes has no fields; what follows it must not be read as one."""
    data = struct.pack("<HHi", 4, 4, 4) + b"\x07" * 16
    table = Table(data, 4)
    assert (table.scalar(0, "B"), table.string(1), table.tables(2)) == (0, "", [])
    with pytest.raises(ValueError, match="field 3 is missing"):
        table.table(3)
