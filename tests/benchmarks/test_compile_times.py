"""Check how times of `compile` are summarized and shown."""

import json
import os
import sys
from types import SimpleNamespace

import pytest

MACHINE = {"cpu": "fast", "architecture": "a", "cores": 2, "packages": {"torch": "2"}}


def row(seconds, **stages):
    stages = stages or {"import torch": seconds}
    return {"seconds": seconds, "stages": stages, "peak_mb": 100.2 * seconds}


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
        "peak_mb": 902,
        "stages": {"lower": 4.0, "write": 1.0},
    }


def test_rounds_from_the_cache_have_a_ratio_of_their_own(load):
    rows, base, cached = [row(4.0)], [{**row(2.0), "weights_mb": 9.28}], [row(3.0)]
    summarize = load("compile_times.py").summarize
    found = summarize(rows, base, cached)
    assert (found["ratio"], found["cached_ratio"]) == (2.0, 1.5)
    assert summarize(base, base)["weights_mb"] == 9.3
    assert "weights_mb" not in found and "cached_ratio" not in summarize(rows, base)


def test_coverage_skips_the_modules_that_have_rows(load, monkeypatch, tmp_path):
    script = load("compile_times.py")
    monkeypatch.setattr(script, "COVERAGE", tmp_path / "rows.json")
    monkeypatch.setitem(sys.modules, "coverage_models", SimpleNamespace(MODELS=["a", "b"]))
    (tmp_path / "rows.json").write_text(json.dumps({"rows": [{"model": "a"}]}))
    wanted = SimpleNamespace(coverage=True, models=None)
    assert script._models(wanted) == ["b"]
    assert script._models(SimpleNamespace(coverage=True, models=["a"])) == ["a"]
    assert script._models(SimpleNamespace(coverage=False, models=None)) == list(script.MODELS)


@pytest.mark.parametrize("broken", ["program", "base"])
def test_a_failure_is_kept(load, broken):
    rows = {"program": [row(2.0)], "base": [row(1.0)]} | {broken: [{"error": "ended with 1"}]}
    assert load("compile_times.py").summarize(rows["program"], rows["base"]) == {
        "error": "ended with 1"
    }


def test_uncounted_time_is_in_no_stage(load, monkeypatch):
    script = load("compile_times.py")
    times = [0.0, 1.0, 1.0, 3.0, 3.0, 7.0, 7.0, 8.0, 8.0, 9.0, 9.0]
    cpu, clock = iter(times), iter([0.0, 0.0, 0.5, 0.5, 1.5, 3.5, 4.0, 4.5, 4.5])
    monkeypatch.setattr(script, "_cpu_seconds", lambda: next(cpu))
    monkeypatch.setattr(script.time, "perf_counter", lambda: next(clock))
    watch = script._Watch()
    for stage in ("import torch", None, "lower", "import torch"):
        watch.begin(stage)
    found = watch.done()
    assert found.pop("peak_mb") > 10
    stages = {"import torch": 3.0, "lower": 1.0}
    assert found == {"seconds": 4.0, "clock": 3.0, "stages": stages}


def test_seconds_on_the_clock_are_those_of_processes_with_all_cores(load, monkeypatch):
    script = load("compile_times.py")
    seen = []

    def apart(*arguments):
        seen.append({name: os.environ.get(name) for name in script.THREADS})
        return {**row(4.0), "clock": 2.5}

    monkeypatch.setattr(script, "_apart", apart)
    for name in script.THREADS:
        monkeypatch.setenv(name, "1")
    clocked = [script._on_all_cores("net", ("native", "int8"), False)]
    assert seen == [dict.fromkeys(script.THREADS)]
    assert {os.environ[name] for name in script.THREADS} == {"1"}
    assert script.summarize([row(4.0)], [row(2.0)], (), clocked)["clock"] == 2.5
    assert "clock" not in script.summarize([row(4.0)], [row(2.0)])


def test_tables(load):
    tables = load("tables/compile_times.py")
    facts = {"model": "net", "load": 0.5, "machine": 0}
    timed = {"least": 1.5, "most": 2.5, "rounds": 3, "peak_mb": 700}
    of_base, cached = {"ratio": 1.0, "weights_mb": 9.3}, {"ratio": 2.0, "cached_ratio": 1.25}
    report = {
        "machines": [{**MACHINE, "date": "2026-11-30"}],
        "rows": [
            {**facts, "target": "base", "precision": "fp32", **row(2.0), **timed, **of_base},
            {**facts, "target": "xnnpack", "precision": "fp32", **row(4.0), **timed, **cached},
            {**facts, "target": "native", "precision": "fp32", "error": "ended with 1"},
        ],
    }
    assert tables.times_table(report).splitlines()[2:] == [
        "| net | xnnpack | fp32 | 2.0 s | 4.0 s | 2.00 (1.50 to 2.50) | 700 MB (9) | 1.25 |",
        "| net | native | fp32 | ended with 1 |  |  |  |  |",
        "",
        "CPU seconds of one thread; medians of 3 rounds. Load average before the models' rounds"
        " 0.5 to 0.5. fast, a, 2 cores, torch 2, 2026-11-30.",
    ]
    assert tables.coverage_table(report).splitlines()[:3] == [
        "| module | xnnpack | native |",
        "|---|---|---|",
        "| net | 2.00 | ended with 1 |",
    ]
    wrong = {"error": "ParityError: expected it to agree, got max_rel 0.0002 (max_abs 0.1)"}
    refused = {**report, "rows": [*report["rows"], {**report["rows"][1], **wrong, "model": "odd"}]}
    assert "refused: max_rel 0.0002" in tables.coverage_table(refused)
    report["rows"][1].pop("cached_ratio")
    assert tables.times_table(report).splitlines()[2].endswith("| 700 MB (9) |")
    assert tables.stages_table(report).splitlines() == [
        "| model | target | precision | import torch |",
        "|---|---|---|---|",
        "| net | base | fp32 | 2.00 |",
        "| net | xnnpack | fp32 | 4.00 |",
    ]


def test_tables_without_a_measurement(load):
    tables = load("tables/compile_times.py")
    report = {"machines": [], "rows": []}
    assert tables.times_table(report).splitlines()[2:] == [
        "",
        "Not measured yet.",
    ]
    assert tables.stages_table(report) == "Not measured yet."


def test_only_precisions_of_a_target_are_measured(load):
    precisions = load("compile_times.py").precisions_of
    assert "int8-dynamic" in precisions("native")
    assert "int8-dynamic" not in precisions("coreml")


def test_int8_is_calibrated_on_128_photos(load, tmp_path):
    from hvit_edge.preprocess import Preprocess
    from hvit_edge.quantize import calibration_inputs

    folder = load("compile_times.py")._photos(tmp_path)
    found = calibration_inputs(folder, Preprocess(input_size=(32, 32)))
    assert (len(found.inputs), found.skipped, found.notices) == (128, (), ())


def test_two_versions_are_compared(load):
    table = load("tables/compile_int8.py").compared_table
    facts = {"model": "net", "target": "native", "machine": 0, "rounds": 1}
    floats = {**facts, "precision": "fp32", "seconds": 5.0, "peak_mb": 500}
    floats |= {"code": "after", "clock": 4.0}
    int8 = {**facts, "precision": "int8"}
    rows = [
        {**facts, "target": "base", "precision": "fp32", "seconds": 3.0, "code": "after"},
        floats,
        {**int8, "seconds": 40.0, "peak_mb": 1500, "code": "before"},
        {**int8, "seconds": 20.2, "clock": 10.0, "peak_mb": 900.4, "code": "after"},
        {**facts, "precision": "fp16", "error": "ended with 1", "code": "after"},
    ]
    report = {
        "machines": [{**MACHINE, "date": "2026-11-30"}],
        "rows": [{**row, "load": 1.0 + index} for index, row in enumerate(rows)],
    }
    assert table(report).splitlines() == [
        "| model | target | precision | CPU seconds | times fp32 | on the clock | times fp32 | peak"
        " MB |",
        "|---|---|---|---|---|---|---|---|",
        "| net | native | fp32 | 5.0 |  | 4.0 |  | 500 |",
        "| net | native | int8 | 40.0 to 20.2 | 4.0 | 10.0 | 2.5 | 1500 to 900 |",
        "| net | native | fp16 | ended with 1 |  |  |  |  |",
        "",
        "CPU seconds of one thread, seconds on the clock with all cores; rounds: 1. Load average"
        " 1.0 to 5.0, which makes CPU seconds longer, too. fast, a, 2 cores, torch 2, 2026-11-30.",
    ]
    assert table({"machines": [], "rows": []}) == "Not measured yet."
