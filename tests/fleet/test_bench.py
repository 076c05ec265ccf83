from dataclasses import replace

import numpy as np
import pytest

from hvit_edge.errors import DeviceError
from hvit_edge.fleet import bench as fleet
from hvit_edge.fleet.bench import FleetBench, bench_fleet
from hvit_edge.fleet.readings import Reading
from hvit_edge.profile.bench import BenchReport, drift_of

REPORT = BenchReport("a.pte", 8, 1, 2, 3.0, 4.0, {"p50": 5.0}, 6.0, drift=1.0)


def test_drift_compares_the_first_and_the_last_runs():
    assert drift_of(np.array([1.0] * 4 + [1.5] * 4)) == 1.5
    assert drift_of(np.ones(7)) is None


def test_drift_of_long_measurements_compares_minutes():
    # Two minutes at 1 s, then three at 2 s: the first and the last minute are compared.
    assert drift_of(np.array([1.0] * 120 + [2.0] * 90)) == 2.0
    # A slow start shorter than a minute does not count.
    assert drift_of(np.array([5.0] * 2 + [1.0] * 290)) == 1.0


@pytest.mark.parametrize(
    ("one", "note"),
    [
        (FleetBench("a", replace(REPORT, drift=1.2)), "slows down: its last runs took 1.20 times"),
        (
            FleetBench("a", REPORT, "", Reading(40, 2000), Reading(55, 2000)),
            "40 to 55 degrees",
        ),
        (
            FleetBench("a", REPORT, "", Reading(40, 2000), Reading(41, 1500)),
            "2000 to 1500 MHz",
        ),
        (FleetBench("a", None, "[device] gone"), "[device] gone"),
    ],
)
def test_what_stands_out_is_named(one, note):
    (found,) = one.notes
    assert note in found
    assert one.to_dict()["notes"] == [found]


def test_a_steady_device_has_no_notes():
    assert FleetBench("a", REPORT, "", Reading(40, 2000), Reading(45, 1900)).notes == []
    assert FleetBench("a", replace(REPORT, drift=None)).notes == []


def test_each_device_is_measured(monkeypatch):
    def measured(artifact, *, iterations, warmup, threads, device):
        if device == "ssh://b":
            raise DeviceError("[device] gone")
        return replace(REPORT, device=device, iterations=iterations)

    monkeypatch.setattr(fleet, "bench", measured)
    monkeypatch.setattr(fleet, "read_device", lambda device: Reading(50, 1000))
    first, second = bench_fleet("a.pte", ["ssh://a", "ssh://b"], iterations=8)
    assert (first.report.device, first.before, first.error) == ("ssh://a", Reading(50, 1000), "")
    assert (second.report, second.error) == (None, "[device] gone")
