"""Check which counts of peers count, and how they are shown; no peer runs here."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def counted_by_torch(run):
    with FlopCounterMode(display=False) as counter:
        output = run()
    return output, counter.get_total_flops() // 2


def test_work_of_convolutions_and_linears(load):
    work = load("peers/work.py")
    grouped = nn.Conv2d(8, 12, 3, stride=2, padding=1, groups=4)
    output, expected = counted_by_torch(lambda: grouped(torch.ones(1, 8, 9, 7)))
    assert work.of_weights(output.shape, grouped.weight.shape) == expected
    linear = nn.Linear(5, 7)
    output, expected = counted_by_torch(lambda: linear(torch.ones(3, 5)))
    assert work.of_weights(output.shape, linear.weight.shape) == expected


def test_work_of_products(load):
    left, right = torch.ones(6, 4, 5), torch.ones(6, 5, 3)
    output, expected = counted_by_torch(lambda: left @ right)
    assert load("peers/work.py").of_matmul(output.shape, left.shape[-1]) == expected


def test_work_beyond_32_bits(load):
    shape = np.full(3, 1000, np.int32)  # the type in TFLite's schema
    assert load("peers/work.py").of_matmul(shape, shape[0]) == 10**12


def test_a_precision_that_fails_leaves_the_others(load, tmp_path):
    def fails(output):
        try:
            raise ValueError("no such operator\nand a long trace")
        except ValueError as error:
            raise RuntimeError("conversion failed") from error

    def works(output):
        Path(output).write_bytes(b"model")
        return "by hand"

    stem = tmp_path / "model peer"
    ways = {"fp32": works, "int8": fails, "int8-dynamic": works}
    load("peers/each_precision.py").convert_each(ways, list(ways), stem, ".x", lambda path: 3)
    reports = [json.loads(Path(f"{stem} {precision}.json").read_text()) for precision in ways]
    made = {"method": "by hand", "multiply_adds": 3}
    assert reports == [made, {"error": "ValueError: no such operator"}, made]


def test_nothing_is_quantised_where_there_is_no_fp32(load, tmp_path):
    def fails(output):
        raise ValueError("no such operator")

    stem = tmp_path / "model peer"
    ways = {"fp32": fails, "int8": fails}
    load("peers/each_precision.py").convert_each(ways, list(ways), stem, ".x", lambda path: 3)
    report = json.loads(Path(f"{stem} int8.json").read_text())
    assert report == {"error": "RuntimeError: no fp32 to start from"}


def test_what_was_converted_is_not_converted_again(load, tmp_path):
    def fails(output):
        raise AssertionError

    stem = tmp_path / "model peer"
    report = Path(f"{stem} fp32.json")
    report.write_text("{}")
    load("peers/each_precision.py").convert_each({"fp32": fails}, [], stem, ".x", lambda path: 3)
    assert report.read_text() == "{}"


@pytest.mark.parametrize(
    ("precision", "work", "max_rel", "reason"),
    [
        ("fp32", 1.0, 1e-5, None),
        ("fp32", 1.0, 2e-3, "expected outputs within 0.001"),
        ("int8", 1.0, 0.3, None),
        ("int8", 1.0, float("inf"), "expected finite outputs"),
        ("int8", 0.9, 1e-5, "expected all multiply-adds, got 90.0%"),
    ],
)
def test_a_count_of_other_work_is_refused(load, precision, work, max_rel, reason):
    found = {"work": work, "agreement": {"max_rel": max_rel}}
    why = load("arm_peers.py").why_not(found, precision)
    assert why is None if reason is None else why.startswith(reason)


@pytest.mark.parametrize(
    ("stderr", "reason"),
    [
        (
            "Traceback (most recent call last):\n  File x\nNotImplemented: no kernel\nof it\n"
            "[count_instructions] expected calls\n",
            "NotImplemented: no kernel",
        ),
        ("a warning\nqemu: uncaught signal 11\n", "qemu: uncaught signal 11"),
        ("", ""),
    ],
)
def test_a_peer_that_ends_says_why(load, stderr, reason):
    assert load("arm_peers.py").why_it_ended(stderr) == reason


@pytest.mark.parametrize("script", ["arm_peers.py", "peers/guest.py"])
def test_several_outputs_are_one_row_with_the_largest_first(load, script):
    small, large = torch.arange(3.0).reshape(1, 3, 1), torch.arange(10, 16.0).reshape(1, 2, 3)
    in_one_row = load(script).in_one_row
    for outputs in ((small, large), (large, small)):
        given = outputs if script == "arm_peers.py" else [one.numpy() for one in outputs]
        np.testing.assert_array_equal(in_one_row(given), [[10, 11, 12, 13, 14, 15, 0, 1, 2]])


@pytest.fixture
def report():
    """Return a report with two rows of ours, one row of a peer, and one failure."""

    def row(precision, **found):
        return {"model": "tiny", "precision": precision, "device": "qemu:cortex-a76", **found}

    agreement = {"photos": 2, "max_rel": 1e-6, "cosine": 1.0, "top1_agree": 1.0}
    measured = {"agreement": agreement, "work": 1.0, "bytes": 2_000_000}
    measured["package"] = "ai-edge-litert 1.2"
    return {
        "machine": {"cpu": "c", "architecture": "a", "cores": 1, "packages": {}, "date": "d"},
        "rows": [
            row("fp32", instructions={"total": 1_000_000}),
            row("litert fp32", instructions={"total": 2_500_000}, **measured),
            row("onnxruntime int8", error="ValueError: no"),
        ],
    }


def test_peers_have_rows_below_ours(load, report):
    tables = load("tables/arm.py")
    lines = tables.instructions_table(tables.A76, report).splitlines()
    assert lines[0] == "|  | tiny |"
    assert lines.index("| fp32 | 1.0 M |") < lines.index("| LiteRT fp32 | 2.5 M |")
    assert not [line for line in lines if "ONNX Runtime int8" in line]  # no model has a count
    assert lines[-1].endswith(", ai-edge-litert 1.2.")


def test_networks_of_other_tasks_have_their_size_and_no_class(load, report):
    tables = load("tables/arm.py")
    for row in report["rows"]:
        row["model"] = "ssdlite_mobilevit_xxs"
    assert "; ssdlite_mobilevit_xxs: 320 x 320; empty:" in tables.instructions_table(
        tables.A76, report
    )
    row = "| ssdlite_mobilevit_xxs | LiteRT fp32 | 1.0e-06 | 1.0000 |  | 100.0% | 2.0 MB |"
    assert row in tables.peers_table(report)


def test_a_failed_peer_says_why(load, report):
    text = load("tables/arm.py").peers_table(report)
    assert "| tiny | LiteRT fp32 | 1.0e-06 | 1.0000 | 100% | 100.0% | 2.0 MB |" in text
    assert "| tiny | ONNX Runtime int8 | ValueError: no |" in text
    assert "tiny | fp32" not in text
