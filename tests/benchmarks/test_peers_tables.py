"""Check how the rows of results/peers.json are shown."""

import xml.etree.ElementTree as ElementTree

import pytest

FAR = {"max_rel": 1e-6, "cosine": 1.0, "top1_agree": 1.0, "sqnr_db": 30.0, "centred_sqnr_db": 20}


def row(contestant, *round_ms, run="r1", threads=2, **found):
    measured = {
        **{"median_ms": sorted(round_ms)[len(round_ms) // 2], "round_ms": list(round_ms)},
        **{"p10_ms": min(round_ms), "p90_ms": max(round_ms), "share_of_fp32_peak": 0.25},
        **{
            "load_ms": 3.0,
            "first_ms": 4.0,
            "peak_mib": 50.0,
            "imported_mib": 36.0,
            "bytes": 2_000_000,
        },
        **{"agreement": FAR, "package": "p 1"},
    }
    key = {"model": "tiny", "contestant": contestant, "threads": threads, "run": run}
    return {**key, "load_average_before": 0.1, **measured, **found}


@pytest.fixture
def report():
    failed = row("ncnn fp32", 1.0)
    for key in ("median_ms", "round_ms", "agreement"):
        del failed[key]
    return {
        "machine": {"cpu": "c", "architecture": "a", "cores": 1, "packages": {}, "date": "d"},
        "features": ["avx2"],
        "roofline": {"2": {"gigaflops": 200.0, "copy_gb_per_s": 20.0}},
        "rows": [
            row("hvit-edge fp32", 10.0, 30.0, 10.0),
            row("hvit-edge native fp32", 5.0, 15.0, 5.0),
            row("hvit-edge int8", 2.0, 2.0, 2.0),
            row("litert fp32", 10.0, 30.0, 20.0),
            row("openvino fp32", 1.0, 1.0, 1.0, run="r2"),
            row("openvino bf16", 4.0, 4.0, 4.0),
            {**failed, "error": "no operator | for roll"},
        ],
    }


def line(text, start):
    (found,) = [each for each in text.splitlines() if each.startswith(start)]
    return [cell.strip() for cell in found.strip("|").split("|")]


def test_ratios_are_to_the_fastest_of_ours_in_the_same_rounds(load, report):
    text = load("tables/peers.py").model_table("tiny", report)
    assert line(text, "| **hvit-edge** native fp32")[3] == "1"
    assert line(text, "| **hvit-edge** fp32")[3] == "0.50 (0.50 to 0.50)"
    assert line(text, "| LiteRT fp32")[3] == "0.50 (0.30 to 0.50)"
    assert line(text, "| OpenVINO bf16")[3] == "0.50 (0.50 to 0.50)"  # to ours in int8


def test_rows_of_different_runs_have_no_ratio(load, report):
    text = load("tables/peers.py").model_table("tiny", report)
    assert line(text, "| OpenVINO fp32")[2:4] == ["1.0 (1.0 to 1.0)", ""]


def test_failed_contestants_have_a_reason(load, report):
    text = load("tables/peers.py").model_table("tiny", report)
    cells = line(text, "| ncnn fp32")
    assert cells[2] == "no operator / for roll"
    assert len(cells) == len(line(text, "| **hvit-edge** int8"))


def test_a_row_has_everything(load, report):
    text = load("tables/peers.py").model_table("tiny", report)
    assert line(text, "| **hvit-edge** int8") == [
        *("**hvit-edge** int8", "2", "2.0 (2.0 to 2.0)", "1", "25%", "3", "4", "50 (36)", "2.0"),
        *("1.0e-06", "1.0000", "100%", "30"),
    ]


def test_the_summary_has_the_fastest_of_both(load, report):
    text = load("tables/peers.py").summary_table(report)
    of_fp32, exact, any_peer = (
        line(text, f"| tiny | 2 | {kind}") for kind in ("fp32", "reduced, as exact", "reduced, any")
    )
    assert of_fp32[3:] == ["**hvit-edge** native fp32: 5.0 ms", "OpenVINO fp32: 1.0 ms", ""]
    assert exact[3:] == ["**hvit-edge** int8: 2.0 ms, 30 dB", "OpenVINO fp32: 1.0 ms", ""]
    assert any_peer[3:] == [
        *("**hvit-edge** int8: 2.0 ms, 30 dB", "OpenVINO bf16: 4.0 ms, 30 dB"),
        "0.50 (0.50 to 0.50)",
    ]


def test_the_overview_has_one_row_per_model(load, report):
    report["rows"] += [row("executorch fp32", 25.0), row("hvit-edge int8-dynamic", 1.0)]
    text = load("tables/peers.py").overview_table(report)
    assert line(text, "| tiny") == [
        *("tiny", "2", "1.0e-06", "**5.0 ms**", "1.0 ms (OpenVINO fp32)"),
        *("25.0 ms", "**2.0 ms, 30 dB**"),
    ]


def test_the_overview_names_what_was_not_timed(load, report):
    report["rows"] = [row("hvit-edge fp32", 10.0)]
    text = load("tables/peers.py").overview_table(report)
    assert line(text, "| tiny")[3:] == ["**10.0 ms**", "none", "none", "none"]


@pytest.mark.parametrize(("sqnr", "competes"), [(29.9, False), (30.0, True)])
def test_only_what_is_as_exact_as_ours_competes_with_it(load, report, sqnr, competes):
    report["rows"] = [each for each in report["rows"] if each["contestant"] != "openvino fp32"]
    report["rows"].append(row("openvino int8", 1.0, 1.0, 1.0, agreement={**FAR, "sqnr_db": sqnr}))
    text = load("tables/peers.py").summary_table(report)
    rival = line(text, "| tiny | 2 | reduced, as exact")[4]
    assert rival.startswith("OpenVINO int8" if competes else "OpenVINO bf16")
    assert line(text, "| tiny | 2 | reduced, any")[4].startswith("OpenVINO int8: 1.0 ms")


def test_peers_that_equal_pytorch_compete_too(load, report):
    report["rows"] = [row("hvit-edge int8", 2.0), row("eager fp32", 9.0)]
    report["rows"][1]["agreement"] = {**FAR, "sqnr_db": None}
    text = load("tables/peers.py").summary_table({**report, "rows": report["rows"]})
    assert line(text, "| tiny | 2 | reduced, as exact")[4] == "PyTorch fp32: 9.0 ms"


def test_int8_beside_float32_of_the_same_target(load, report):
    report["rows"].append(row("hvit-edge native int8", 3.0, 3.0, 4.0))
    text = load("tables/peers.py").int8_table(report)
    assert line(text, "| tiny") == [
        *("tiny", "2", "10.0 ms", "2.0 ms, 30 dB", "0.20 (0.09 to 0.20)"),
        *("5.0 ms", "3.0 ms, 30 dB", "0.60 (0.28 to 0.76)", "", "", ""),
    ]


def test_threads_are_compared_apart(load, report):
    report["rows"].append(row("hvit-edge fp32", 99.0, threads=1))
    text = load("tables/peers.py").summary_table(report)
    assert line(text, "| tiny | 1 | fp32")[3:] == ["**hvit-edge** fp32: 99.0 ms", "none", ""]


def test_the_roofline_counts_multiply_adds(load, report):
    assert "| 2 | 100 G/s | 20.0 GB/s |" in load("tables/peers.py").roofline_table(report)


def test_tables_without_rows_say_so(load):
    tables, report = load("tables/peers.py"), {"rows": []}
    assert {
        *(tables.overview_table(report), tables.summary_table(report)),
        *(tables.model_table("tiny", report), tables.int8_table(report)),
        tables.roofline_table(report),
    } == {tables.NONE_YET}
    assert tables.NONE_YET in load("tables/peers_plot.py").figure(report)


def test_the_figure_has_a_bar_for_each_time(load, report):
    drawn = ElementTree.fromstring(load("tables/peers_plot.py").figure(report))
    space = "{http://www.w3.org/2000/svg}"
    bars = [float(each.get("width")) for each in drawn.iter(f"{space}rect") if each.get("height")]
    assert len(bars) == 1 + 6  # the background
    assert bars[1:] == sorted(bars[1:])
    labels = [each.text for each in drawn.iter(f"{space}text")]
    assert "hvit-edge int8" in labels and "ncnn fp32" not in labels
