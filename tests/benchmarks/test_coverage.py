"""Check the coverage matrix: programs in separate processes, rows that are kept, tables."""

import json
import sys
from pathlib import Path

import pytest

ROW = {"model": "a", "machine": 0}
MACHINE = {"cpu": "c", "architecture": "x", "cores": 2, "packages": {}, "date": "2026-11-30"}


@pytest.fixture
def coverage(load):
    return load("coverage.py")


@pytest.fixture
def tables(load):
    return load("tables/coverage.py")


def test_rows_that_are_known_are_not_made_again(coverage, tmp_path, monkeypatch):
    results = tmp_path / "coverage.json"
    names = list(coverage.MODELS[:2])
    results.write_text(
        json.dumps({"machines": [], "rows": [{"model": names[0], "program": "native fp32"}]})
    )
    made = []
    monkeypatch.setattr(coverage, "RESULTS", results)
    monkeypatch.setattr(coverage, "judge", lambda *cell: made.append(cell) or {})
    monkeypatch.setattr(coverage, "put_row", lambda *row: None)
    programs = ["--programs", "native fp32", "native int8"]
    monkeypatch.setattr(sys, "argv", ["coverage.py", ".", "--models", *names, *programs])
    coverage.main()
    assert [cell[:2] for cell in made] == [
        (names[0], "native int8"),
        (names[1], "native fp32"),
        (names[1], "native int8"),
    ]


def test_a_process_that_ends_badly_costs_one_cell(coverage, tmp_path, monkeypatch):
    cell = tmp_path / "cell.py"
    cell.write_text("raise SystemExit('out of luck')")
    monkeypatch.setattr(coverage, "CELL", cell)
    found = coverage.judge("resnet18", "native fp32", Path())
    assert found == {"error": "ended with 1: out of luck"}


@pytest.mark.slow
def test_a_program_is_judged(coverage):
    found = coverage.judge("nn.MultiheadAttention", "native fp32", Path())
    assert found["delegates"] == 1
    assert found["ops_outside"] == found["left_out"] == []
    assert found["max_rel"] < 1e-5
    assert found["sqnr_centred_db"] > 80


def test_no_scale_of_a_module_is_constant(load):
    models = load("coverage_models.py")
    module, _ = models.build("nn.TransformerEncoder norm_first")
    scales = {k: v for k, v in module.named_parameters() if v.dim() == 1}
    assert [name for name, scale in scales.items() if scale.std() < 0.01] == []


def test_cells_without_a_program(tables):
    report = {
        "machines": [MACHINE],
        "rows": [
            {**ROW, "program": "native fp32", "error": "no operator a|b"},
            {
                **ROW,
                "program": "native int8",
                "delegates": 1,
                "ops_outside": [],
                "sqnr_centred_db": None,
            },
        ],
    }
    row = tables.delegate_table("native", report).splitlines()[-1]
    assert row == "| a |  |  | refused |  | not finite |  | refused |  |"
    assert "| native fp32 | 1 | 0 | 0 |" in tables.summary_table(report)
    assert tables.refusals_table(report).endswith("| a | native fp32 | no operator a\\|b |")
    assert tables.refusals_table({"rows": []}) == "None of the programs was refused."


def test_a_model_without_a_stock_program_has_no_ratio(tables):
    times = {"xnnpack_ms": 2.0, "native_ms": 1.5, "native_per_xnnpack": 0.75}
    rows = [
        {"model": "a", "machine": 0, **times, "stock_ms": 4.0, "xnnpack_per_stock": 0.5},
        {"model": "b", "machine": 0, **times, "xnnpack_per_stock": None},
    ]
    table = tables.times_table({"machines": [MACHINE], "rows": rows}).splitlines()
    assert table[2] == "| a | 2.0 ms | 1.5 ms | 4.0 ms | 0.50 | 0.75 |"
    assert table[3] == "| b | 2.0 ms | 1.5 ms | wrong answer |  | 0.75 |"


def test_programs_take_turns_until_the_time_is_up(load):
    times = load("coverage_times.py")
    order = []
    runs = {"xnnpack": lambda: order.append("x"), "native": lambda: order.append("n")}
    found = times.take_turns(runs, seconds=0)
    assert [len(ms) for ms in found.values()] == [times.FEWEST] * 2
    assert order[2 * times.WARMUP :] == ["x", "n"] * times.FEWEST
    assert times.summarize(found)["xnnpack_per_stock"] is None
