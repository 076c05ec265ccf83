"""Check the caches of QEMU's instruction counter on accesses with a known number of misses."""

import ctypes
import json
import subprocess
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[2] / "cpp/qemu"
CORES, LEVELS = 4, 3
A55, A76, X1, M1 = range(CORES)
KIB = 1024


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    """The model alone, compiled for this machine."""
    built = tmp_path_factory.mktemp("caches") / "cache_model.so"
    command = ["cc", "-O1", "-shared", "-fPIC", "-o", built, SOURCES / "cache_model.c"]
    subprocess.run(command, check=True)
    return built


@pytest.fixture
def misses(library):
    """Return `(accesses) -> [core][level]`, from empty caches; an access is (address, bytes)."""
    model = ctypes.CDLL(str(library))
    counts = ctypes.c_uint64 * LEVELS * CORES
    model.caches_missed.restype = ctypes.POINTER(counts)

    def missed(accesses):
        assert model.caches_reset() == 1
        for address, size in accesses:
            model.caches_touch(ctypes.c_uint64(address), ctypes.c_uint32(size))
        return [list(levels) for levels in model.caches_missed().contents]

    return missed


def walk(size, times=1, step=64):
    return [(address, 4) for _ in range(times) for address in range(0, size, step)]


def test_every_line_misses_once_and_hits_while_it_fits(misses):
    found = misses(walk(32 * KIB, times=3, step=16))
    assert found[A55] == found[A76] == found[X1] == [512, 512, 512]
    assert found[M1] == [256, 256, 256]  # lines of 128 bytes


def test_a_walk_through_more_than_a_cache_misses_every_time(misses):
    """The line that is needed next is always the one that was replaced last."""
    lines = 160 * KIB // 64
    found = misses(walk(160 * KIB, times=3))
    assert found[A55] == [3 * lines, 3 * lines, lines]  # 32 and 128 KiB are too small, 2 MiB not
    assert found[A76] == found[X1] == [3 * lines, lines, lines]
    assert found[M1] == [3 * lines / 2, lines / 2, lines / 2]


def test_the_least_recently_used_line_of_a_set_is_replaced(misses):
    """Cortex-A55 has 128 sets of 4 lines: addresses 8 KiB apart share a set."""
    a, b, c, d, e = ((i * 8 * KIB, 4) for i in range(5))
    assert misses([a, b, c, d, a, e, a])[A55][0] == 5
    assert misses([a, b, c, d, a, e, b])[A55][0] == 6


def test_an_access_across_two_lines_counts_twice(misses):
    assert misses([(60, 8)])[A55] == [2, 2, 2]
    assert misses([(60, 8)])[M1] == [1, 1, 1]


PROGRAM = """
static char buffer[1 << 20] __attribute__((aligned(4096)));
__attribute__((noinline)) void hvit_edge_count_begin(void) { __asm__ volatile(""); }
__attribute__((noinline)) void hvit_edge_count_read(void) { __asm__ volatile(""); }
__attribute__((noinline)) void hvit_edge_count_end(void) { __asm__ volatile(""); }
static void walk(int bytes) {
  for (int i = 0; i < bytes; i += 64) ((volatile char*)buffer)[i] = 1;
}
int main(void) {
  for (int stretch = 0; stretch < 2; ++stretch) {
    hvit_edge_count_begin();
    hvit_edge_count_read();
    walk(1 << 20);
    hvit_edge_count_read();
    walk(1 << 14);
    hvit_edge_count_read();
    hvit_edge_count_end();
    walk(1 << 20);
  }
}
"""


@pytest.mark.slow
@pytest.mark.usefixtures("arm_build")
def test_misses_of_a_program_between_reads(tmp_path):
    """A buffer of 1 MiB stays in the second level of Cortex-X1, and in the third of Cortex-A76."""
    from hvit_edge.profile.instructions import PLUGIN

    source, program, out = (tmp_path / name for name in ("walk.c", "walk", "count.json"))
    source.write_text(PROGRAM)
    compiler = ["aarch64-linux-gnu-gcc", "-O1", "-static", "-o", program, source]
    subprocess.run(compiler, check=True)
    reports = []
    for _ in range(2):
        command = ["qemu-aarch64", "-plugin", f"{PLUGIN},out={out},caches=on", program]
        subprocess.run(command, check=True)
        reports.append(json.loads(out.read_text()))
    counted = reports[0]
    assert reports[1]["missed"] == counted["missed"]
    assert [each["core"] for each in counted["caches"]] == [
        "Cortex-A55", "Cortex-A76", "Cortex-X1", "Apple M1",
    ]  # fmt: skip
    before, between, after = counted["missed"][3:]
    walked = [
        [b - a for a, b in zip(*pair, strict=True)] for pair in zip(before, between, strict=True)
    ]
    lines, few = 16384, 8  # the stack and the counters of the loop
    assert walked[A76][:2] == [pytest.approx(lines, abs=few)] * 2  # the walk outside counts
    assert walked[A76][2] <= few
    assert walked[X1][0] == pytest.approx(lines, abs=few)
    assert walked[X1][1] <= few
    again = [
        [b - a for a, b in zip(*pair, strict=True)] for pair in zip(between, after, strict=True)
    ]
    assert again[A76][0] == pytest.approx(256, abs=few)
    assert again[M1][0] == pytest.approx(128, abs=few)
    total = counted["misses"]
    assert total[A76][0] == pytest.approx(lines + 256, abs=2 * few)
