"""`hvit-edge bench`: the format of its output; no time is asserted."""

import json

import pytest

from hvit_edge.cli import main
from hvit_edge.cli.bench import estimates_table, kernels_table
from hvit_edge.profile.bench import BenchReport
from hvit_edge.profile.instructions import Instructions


@pytest.mark.slow
def test_json(artifact, capsys):
    arguments = f"bench {artifact} --iterations 5 --warmup 1 --threads 1 --format json"
    assert main(arguments.split()) == 0
    out, err = capsys.readouterr()
    report = json.loads(out)
    assert err == ""
    assert (report["iterations"], report["warmup"], report["threads"]) == (5, 1, 1)
    latency = report["latency_ms"]
    assert list(latency) == ["avg", "p50", "p90", "p95", "p99", "min", "max", "std"]
    assert 0 < latency["min"] <= latency["p50"] <= latency["p99"] <= latency["max"]
    assert report["load_ms"] > 0 and report["first_run_ms"] > 0
    assert 5 < report["peak_memory_mib"] < 5000


def test_text_and_threads_chosen_by_the_machine(artifact, capsys):
    assert main(["bench", str(artifact), "--iterations", "2", "--warmup", "0"]) == 0
    out = capsys.readouterr().out
    header, values = (line.split() for line in out.splitlines()[2:4])
    assert header == ["latency", "Avg", "P50", "P90", "P95", "P99", "Min", "Max", "Std"]
    assert values[0] == "ms" and all(float(value) >= 0 for value in values[1:])
    assert " 0 threads" not in out.splitlines()[0]
    assert "load, fresh process" in out and "peak memory" in out


LATENCY = {name: 1.0 for name in ("avg", "p50", "p90", "p95", "p99", "min", "max", "std")}


@pytest.mark.parametrize(("name", "shown"), [("avx2", True), ("", False)])
def test_instruction_set_of_a_native_program_is_shown(monkeypatch, capsys, name, shown):
    report = BenchReport("a.pte", 1, 0, 1, 1.0, 1.0, LATENCY, 1.0, instruction_set=name)
    monkeypatch.setattr("hvit_edge.profile.bench.bench", lambda *args, **options: report)
    assert main(["bench", "a.pte"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert (["instruction", "set", "avx2"] in lines) == shown


def test_table_of_kernels():
    operators = (("Softmax (NC, F32) #1", 250_000), ("Teleport (NC) #1", 500_000))
    lines = kernels_table(Instructions(1_000_000, {}, operators)).splitlines()
    assert [line.split() for line in lines[:4]] == [
        ["kernels", "instructions", "share"],
        ["other", "0.50", "M", "50.00", "%"],
        ["softmax", "0.25", "M", "25.00", "%"],
        ["outside", "0.25", "M", "25.00", "%"],
    ]
    assert lines[4:] == ["  other has operators of an unknown kind: Teleport (NC) #1"]


def test_table_of_estimates():
    classes = {"memory": 0, "vector": 56_800_000, "scalar": 0}
    table = estimates_table(Instructions(56_800_000, {}, (), classes, 0))
    lines = [line.split() for line in table.splitlines()]
    assert lines[0] == ["core", "ESTIMATED,", "not", "measured", "error", "up", "to"]
    assert lines[1][-1] == "unknown"  # no published times were found for Cortex-A53
    assert lines[2] == ["Cortex-A76,", "2.84", "GHz", "11.8", "ms", "1.15x"]


@pytest.mark.parametrize("option", ["--iterations 0", "--iterations x", "--warmup -1"])
def test_impossible_counts_are_refused(capsys, option):
    assert main(["bench", "a.pte", *option.split()]) == 2
    assert f"argument {option.split()[0]}: expected a whole number" in capsys.readouterr().err
