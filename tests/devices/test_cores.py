import pytest

from hvit_edge.devices.cores import CORES, EFFICIENCY, Core, estimate, estimates

CORE = Core("one", "board", 2.0, width=4, vector_units=2, memory_units=1, bandwidth_gb_s=10)
HELD_BY = {
    "width": ({"memory": 0, "vector": 0, "scalar": 4_000_000}, 1_000_000),
    "vector units": ({"memory": 0, "vector": 4_000_000, "scalar": 1_000_000}, 2_000_000),
    "memory units": ({"memory": 3_000_000, "vector": 4_000_000, "scalar": 0}, 3_000_000),
}


@pytest.mark.parametrize("by", HELD_BY)
def test_the_narrowest_part_holds_a_core(by):
    classes, cycles = HELD_BY[by]
    assert estimate(CORE, classes, 0).ms == pytest.approx(cycles / 2e9 * 1e3 / EFFICIENCY)


def test_weights_come_from_memory_once():
    classes = {"memory": 0, "vector": 0, "scalar": 0}
    assert estimate(CORE, classes, 50_000_000).ms == pytest.approx(5 / EFFICIENCY)


def test_cores_are_named_and_marked_as_estimated():
    found = estimates({"memory": 20, "vector": 70, "scalar": 10}, 1_000)
    assert [each.core for each in found] == ["Cortex-A53", "Cortex-A76", "Cortex-X1", "Apple M1"]
    assert all(each.to_dict()["estimate"] is True for each in found)
    assert [each.error for each in found] == [core.error for core in CORES]
