"""Check how times of `compile` are summarized and shown."""

import pytest

MACHINE = {"cpu": "fast", "architecture": "a", "cores": 2, "packages": {"torch": "2"}}


def row(seconds, **stages):
    return {"seconds": seconds, "stages": stages or {"import torch": seconds}}


def test_ratios_are_taken_within_a_round(load):
    found = load("compile_times.py").summarize(
        [row(4.0, lower=3.0, write=1.0), row(9.0, lower=5.0, write=4.0), row(6.0, lower=4.0)],
        [row(2.0), row(3.0), row(6.0)],
    )
    assert found == {
        "seconds": 6.0,
        "ratio": 2.0,
        "least": 1.0,
        "most": 3.0,
        "rounds": 3,
        "stages": {"lower": 4.0, "write": 1.0},
    }


@pytest.mark.parametrize("broken", ["program", "base"])
def test_a_failure_is_kept(load, broken):
    rows = {"program": [row(2.0)], "base": [row(1.0)]} | {broken: [{"error": "ended with 1"}]}
    assert load("compile_times.py").summarize(rows["program"], rows["base"]) == {
        "error": "ended with 1"
    }


def test_uncounted_time_is_in_no_stage(load, monkeypatch):
    script = load("compile_times.py")
    clock = iter([0.0, 1.0, 1.0, 3.0, 3.0, 7.0, 7.0, 8.0, 8.0, 9.0, 9.0])
    monkeypatch.setattr(script.time, "perf_counter", lambda: next(clock))
    watch = script._Watch()
    for stage in ("import torch", None, "lower", "import torch"):
        watch.begin(stage)
    assert watch.done() == {"seconds": 4.0, "stages": {"import torch": 3.0, "lower": 1.0}}


def test_tables(load):
    tables = load("tables/compile_times.py")
    facts = {"model": "net", "load": 0.5, "machine": 0}
    timed = {"least": 1.5, "most": 2.5, "rounds": 3}
    report = {
        "threads": 2,
        "machines": [{**MACHINE, "date": "2026-11-30"}],
        "rows": [
            {**facts, "target": "base", "precision": "fp32", **row(2.0), **timed, "ratio": 1.0},
            {**facts, "target": "xnnpack", "precision": "fp32", **row(4.0), **timed, "ratio": 2.0},
            {**facts, "target": "native", "precision": "fp32", "error": "ended with 1"},
        ],
    }
    assert tables.times_table(report).splitlines()[2:] == [
        "| net | xnnpack | fp32 | 2.0 s | 4.0 s | 2.00 (1.50 to 2.50) |",
        "| net | native | fp32 | ended with 1 |  |  |",
        "",
        "Medians of 3 rounds, 2 threads. Load average before the models' rounds 0.5 to 0.5."
        " fast, a, 2 cores, torch 2, 2026-11-30.",
    ]
    assert tables.stages_table(report).splitlines() == [
        "| model | target | precision | import torch |",
        "|---|---|---|---|",
        "| net | base | fp32 | 2.00 |",
        "| net | xnnpack | fp32 | 4.00 |",
    ]


def test_tables_without_a_measurement(load):
    tables = load("tables/compile_times.py")
    report = {"threads": 2, "machines": [], "rows": []}
    assert tables.times_table(report).splitlines()[2:] == [
        "",
        "Not measured yet on an idle machine.",
    ]
    assert tables.stages_table(report) == "Not measured yet on an idle machine."
