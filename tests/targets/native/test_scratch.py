"""Sizes of scratch memory: those of scratch.py and of cpp/src/native/scratch.h are the same."""

from pathlib import Path

import pytest

from hvit_edge.targets.native import scratch

TABLE = Path(__file__).parents[3] / "cpp/tests/data/scratch_sizes.txt"
SIZES = {
    "attention": scratch.attention_values,
    "matmul": scratch.matmul_values,
    "codes": scratch.code_bytes,
    "ranges": scratch.range_bytes,
    "job": lambda *sizes: scratch.job_bytes(*sizes[:-1], is_int8=bool(sizes[-1])),
}
LINES = [line for line in TABLE.read_text().splitlines() if not line.startswith("#")]


@pytest.mark.parametrize("line", LINES)
def test_the_sizes_that_the_kernels_use(line):
    given, expected = line.split(" -> ")
    kind, *sizes = given.split()
    assert SIZES[kind](*map(int, sizes)) == int(expected)


def test_the_table_has_every_kind_of_scratch():
    assert {line.split()[0] for line in LINES} == set(SIZES)
