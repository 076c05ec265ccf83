"""Two artifacts in alternating rounds: with times that the test chooses, and for real."""

from pathlib import Path

import pytest

from hvit_edge.cli import main
from hvit_edge.errors import InputError
from hvit_edge.profile import bench_rounds
from hvit_edge.profile.bench_numbers import known_numbers, numbers_of
from hvit_edge.profile.bench_rounds import bench_against

DATA = Path(__file__).parents[2] / "cpp/tests/data"
ARTIFACT = DATA / "tiny_native_v1.pte"


@pytest.fixture
def measured(monkeypatch):
    """Let artifact `a` take 3 ms and `b` 2 ms, both times the load; returns what was measured."""
    calls, load = [], iter([1, 1, 4, 4, 1, 1, 2, 2, 1, 1, 1, 1])

    def measure(path, iterations, warmup, threads, method):
        calls.append((path, iterations, warmup, threads, method))
        seconds = {"a": 0.003, "b": 0.002}[path] * next(load)
        return {
            "threads": 2,
            "load_seconds": len(calls) / 10,
            "first_run_seconds": 0.01,
            "seconds": [seconds] * iterations,
            "peak_bytes": 2**20 * len(calls),
        }

    monkeypatch.setattr(bench_rounds, "measure", measure)
    return calls


def test_rounds_alternate_and_share_the_runs(measured):
    shown = []
    options = {"iterations": 13, "warmup": 1, "threads": 2, "method": "m"}
    found = bench_against("a", "b", rounds=6, progress=lambda *c: shown.append(c), **options)
    assert [path for path, *_ in measured] == ["a", "b", "b", "a"] * 3
    assert {tuple(rest) for _, *rest in measured} == {(3, 1, 2, "m")}
    assert shown == [(number, 6) for number in range(1, 7)]
    assert found.report.iterations == found.baseline.iterations == 18


def test_the_load_of_a_round_cancels(measured):
    found = bench_against("a", "b", rounds=6, iterations=6)
    assert found.rounds_ms[1] == pytest.approx((12, 8))
    assert found.comparison.ratio == pytest.approx(1.5)
    assert (found.comparison.low, found.comparison.high) == pytest.approx((1.5, 1.5))
    assert (found.comparison.slower, found.comparison.faster) == (6, 0)
    assert found.report.latency_ms["max"] == pytest.approx(12)
    assert found.report.load_ms == pytest.approx(650), "of 100, 400, 500, 800, 900 and 1200"
    assert found.report.peak_memory_mib == 12


def test_numbers_for_conditions(measured):
    values = bench_against("a", "b", rounds=6, iterations=6).to_dict()
    numbers = numbers_of(values)
    assert set(numbers) == set(known_numbers(against=True, counted=False))
    assert numbers["ratio"] == pytest.approx(1.5) and numbers["p95_ms"] == pytest.approx(10.5)
    assert numbers["p_value"] == values["comparison"]["p_value"] == 2 / 64


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rounds": 5}, "rounds: expected at least 6, got 5"),
        ({"iterations": 0}, "iterations: expected at least 1, got 0"),
    ],
)
def test_impossible_counts_are_refused(measured, options, message):
    with pytest.raises(InputError, match=message):
        bench_against("a", "b", **options)
    assert measured == []


def test_packages_are_refused(measured):
    with pytest.raises(InputError, match="got the package b.mlpackage"):
        bench_against("a", "b.mlpackage")


@pytest.mark.slow
def test_the_command_line(capsys):
    command = ["bench", str(ARTIFACT), "--against", str(DATA / "native_v1.pte"), "--rounds", "6"]
    command += ["--iterations", "6", "--warmup", "0", "--threads", "1"]
    assert main([*command, "--fail-if", "p_value > 1", "--fail-if", "p50_ms >= 0"]) == 3
    out, err = capsys.readouterr()
    assert f"against {DATA / 'native_v1.pte'} in 6 rounds\n\n  median" in out
    assert "ratio by rounds" in out and "sign test" in out
    assert "got p50_ms >= 0 (p50_ms = " in err and "p_value" not in err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--rounds", "9"], "--rounds: expected together with --against OTHER"),
        (["--against", "b.pte", "--rounds", "5"], "rounds: expected at least 6, got 5"),
        (["--against", "b.pte", "--device", "qemu:max"], "expected neither --device nor"),
        (["--fail-if", "ratio > 1"], "expected known names, got ratio"),
        (["--fail-if", "p95 > 30"], "did you mean p95_ms? known: avg_ms, p50_ms"),
        (["--fail-if", "instructions > 1"], "expected known names, got instructions"),
    ],
)
def test_refusals_before_the_work(capsys, options, message):
    assert main(["bench", str(ARTIFACT), *options]) == 2
    out, err = capsys.readouterr()
    assert out == "" and message in err
