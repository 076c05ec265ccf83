"""Check which times of peers count, and what is written about them; no peer runs here."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

GOOD = {"work": 1.0, "multiply_adds": 5_000_000, "agreement": {"max_rel": 1e-6}}


@pytest.mark.parametrize(
    ("reduced", "work", "max_rel", "reason"),
    [
        (False, 1.0, 1e-5, None),
        (False, 1.0, 2e-3, "expected outputs within 0.001"),
        (True, 1.0, 0.3, None),
        (True, 1.0, float("inf"), "expected finite outputs"),
        (False, 0.9, 1e-5, "expected all multiply-adds, got 90.0%"),
        (False, 0.985, 1e-5, "expected all multiply-adds, got 98.5%"),
    ],
)
def test_a_time_of_other_work_is_refused(load, reduced, work, max_rel, reason):
    row = {"work": work, "agreement": {"max_rel": max_rel}}
    why = load("against_peers.py").why_not(row, reduced)
    assert why is None if reason is None else why.startswith(reason)


@pytest.mark.parametrize(("work", "counts"), [(0.985, True), (0.975, False)])
def test_ours_may_save_what_exact_rewrites_save(load, work, counts):
    script = load("against_peers.py")
    row = {"work": work, "agreement": {"max_rel": 1e-5}}
    assert (script.why_not(row, False, script.LEAST_OWN_WORK) is None) is counts


def test_only_ours_may_save_the_taps_that_read_padding(load):
    script = load("against_peers.py")
    ours, peer = script.CONTESTANTS["hvit-edge fp32"], script.CONTESTANTS["litert fp32"]
    trimmed = "deeplabv3_mobilevit_xxs"
    assert script.least_work(ours, trimmed) == script.LEAST_TRIMMED_WORK < script.LEAST_OWN_WORK
    assert script.least_work(ours, "mobilevit_xs") == script.LEAST_OWN_WORK
    assert script.least_work(peer, trimmed) == script.least_work(peer, "swin_t") == 0.99


def test_several_outputs_are_one_row_with_the_largest_first(load):
    script = load("against_peers.py")
    small, large = torch.zeros(1, 2, 4), torch.ones(1, 2, 7)
    row = script.in_one_row((small, large))
    assert row.shape == (1, 22) and row[0, :14].all() and not row[0, 14:].any()
    np.testing.assert_array_equal(script.in_one_row(large), np.ones((1, 14)))


def test_agreement_is_that_of_the_worst_photo(load):
    expected = np.array([[1.0, 0.0, 0.0], [0.0, 4.0, 0.0]])
    outputs = np.array([[0.0, 0.5, 0.0], [0.0, 4.0, 0.0]])
    found = load("against_peers.py").agreement(expected, outputs)
    assert found["max_rel"] == 1.0
    assert found["cosine"] == 0.0
    assert found["top1_agree"] == 0.5
    assert found["sqnr_db"] == pytest.approx(10 * np.log10(17 / 1.25))


def test_equal_outputs_are_written_as_json(load):
    found = load("against_peers.py").agreement(np.eye(3), np.eye(3))
    assert found["sqnr_db"] is None
    json.dumps(found, allow_nan=False)


def test_cold_starts_are_medians(load):
    readies = [
        dict(zip(("import_ms", "load_ms", "first_ms", "peak_mib"), measured, strict=True))
        | {"package": "p 1", "imported_mib": None}
        for measured in ((1, 9, 30, 5), (2, 5, 10, 7), (3, 7, 20, 6))
    ]
    assert load("against_peers.py").cold(readies) == {
        **{"package": "p 1", "starts": 3},
        **{"import_ms": 2, "load_ms": 7, "first_ms": 20, "peak_mib": 6},
    }


def test_a_row_has_times_and_the_share_of_the_peak(load):
    row = load("against_peers.py").finish(GOOD, [[1.0, 3.0], [2.0, 2.0]], None, {"gigaflops": 10})
    assert row["median_ms"] == 2.0
    # 10 M operations in 2 ms are 5 G/s.
    assert row["share_of_fp32_peak"] == 0.5


def test_a_row_without_times_has_the_reason(load):
    finish = load("against_peers.py").finish
    assert finish({"error": "no operator"}, None, None, {})["error"] == "no operator"
    failed = finish(GOOD, None, "out of memory", {"gigaflops": 10})
    assert failed["error"] == "out of memory"
    assert "median_ms" not in failed


def test_share_of_peak(load):
    # 1 G multiply-adds in 10 ms at 400 G/s: 2 G operations of 4 G.
    assert load("roofline.py").share_of_peak(10**9, 10.0, 400.0) == 0.5


def test_the_roofline_is_measured(load):
    found = load("roofline.py").measure_roofline(2, seconds=0.01)
    assert found["threads"] == 2
    assert found["vector_bytes"] in (16, 32, 64)
    assert found["gigaflops"] > 0 and found["copy_gb_per_s"] > 0


def test_names_of_contestants_are_unique_and_tell_the_precision(load):
    contestants = load("peers/contestants.py")
    every = [*contestants.OURS, *contestants.PEERS]
    assert len(contestants.CONTESTANTS) == len(every)
    assert [each.name for each in every if not each.is_reduced] == [
        each.name for each in every if each.name.endswith("fp32")
    ]
    assert all(each.is_ours == (each in contestants.OURS) for each in every)


def test_a_way_of_compiling_is_one_line(load):
    ours = load("peers/contestants.py").ours
    each = ours("native fp32", backend="native")
    assert each.name == "hvit-edge native fp32"
    assert each.build == {"precision": "fp32", "backend": "native"}
    assert not each.is_reduced


def test_contestants_of_one_file_share_it(load):
    known = load("peers/contestants.py").CONTESTANTS
    assert known["openvino bf16"].file == known["openvino fp32"].file == "openvino fp32.xml"
    assert known["openvino int8"].options == {"inference": "f32"}  # its default may be bf16


@pytest.fixture
def prepare(load, monkeypatch):
    """Return prepare_peers with LiteRT's converter in this Python, and nothing exported."""
    module = load("peers/prepare_peers.py")
    monkeypatch.setitem(module.ENVIRONMENTS, "converters", Path(sys.executable))
    monkeypatch.setattr(module, "export", lambda name, folder: None)
    return module


def litert(load):
    return load("peers/contestants.py").CONTESTANTS["litert fp32"]


def test_no_environment_is_a_reason(prepare, load, tmp_path, monkeypatch):
    monkeypatch.setitem(prepare.ENVIRONMENTS, "converters", tmp_path / "none")
    made = prepare.prepare(litert(load), "tiny", tmp_path)
    assert made == {"error": "expected its environment, got none; make bench-peers"}
    assert not list(tmp_path.iterdir())  # once there is one, it is tried


def test_a_converter_that_dies_is_a_reason(prepare, load, tmp_path, monkeypatch):
    monkeypatch.setattr(prepare, "SCRIPTS", tmp_path)
    (tmp_path / "convert_litert.py").write_text("import sys; sys.exit('killed')")
    made = prepare.prepare(litert(load), "tiny", tmp_path)
    assert made == {"error": "the converter ended with status 1 (killed)"}


def test_a_compiler_that_raises_is_a_reason(prepare, load, tmp_path, monkeypatch):
    def fails(contestant, name, output):
        raise RuntimeError("no such backend\nand a trace")

    monkeypatch.setitem(prepare.MAKERS, "hvit-edge", fails)
    contestant = load("peers/contestants.py").ours("fp32")
    expected = {"error": "RuntimeError: no such backend", "sources": prepare.sources_digest(True)}
    assert prepare.prepare(contestant, "tiny", tmp_path) == expected
    assert json.loads((tmp_path / "tiny hvit-edge fp32.json").read_text()) == expected


def test_what_was_made_is_not_made_again(prepare, load, tmp_path, monkeypatch):
    (tmp_path / "tiny litert fp32.json").write_text('{"method": "m", "multiply_adds": 3}')
    monkeypatch.setattr(prepare, "SCRIPTS", tmp_path / "none")
    model = tmp_path / "tiny litert fp32.tflite"
    expected = {"method": "m", "multiply_adds": 3, "model": model}
    assert prepare.prepare(litert(load), "tiny", tmp_path) == expected


def test_ours_is_made_again_once_the_sources_have_changed(prepare, load, tmp_path, monkeypatch):
    calls = []

    def compiles(contestant, name, output):
        calls.append(output.name)
        return {"method": "m", "multiply_adds": 3}

    monkeypatch.setitem(prepare.MAKERS, "hvit-edge", compiles)
    contestant = load("peers/contestants.py").ours("fp32")
    for digest in ("a", "a", "b"):
        monkeypatch.setattr(prepare, "sources_digest", lambda ours, found=digest: found)
        assert prepare.prepare(contestant, "tiny", tmp_path)["multiply_adds"] == 3
    assert calls == ["tiny hvit-edge fp32.pte"] * 2


def test_ours_is_tried_again_where_it_failed(prepare, load, tmp_path, monkeypatch):
    contestant = load("peers/contestants.py").ours("auto")
    report = {"error": "expected a plan", "sources": prepare.sources_digest(True)}
    (tmp_path / "tiny hvit-edge auto.json").write_text(json.dumps(report))
    monkeypatch.setitem(prepare.MAKERS, "hvit-edge", lambda *_: {"multiply_adds": 3})
    assert prepare.prepare(contestant, "tiny", tmp_path)["multiply_adds"] == 3


def test_what_only_defines_models_makes_stock_files_again(prepare, tmp_path, monkeypatch):
    monkeypatch.setattr(prepare, "ROOT", tmp_path)
    models = tmp_path / "python" / "hvit_edge" / "models"
    models.mkdir(parents=True)
    (models / "tiny.py").write_text("1")
    found = []
    for other in ("2", "3"):
        (models.parent / "compiler.py").write_text(other)
        prepare.sources_digest.cache_clear()
        found.append((prepare.sources_digest(True), prepare.sources_digest(False)))
    (compiled, defined), (compiled_again, defined_again) = found
    assert compiled != compiled_again and defined == defined_again


def test_weights_beside_the_model_are_of_its_size(prepare, tmp_path):
    for name, size in {"a.xml": 10, "a.bin": 90, "b.pte": 7, "b.bin": 50}.items():
        (tmp_path / name).write_bytes(bytes(size))
    assert prepare.file_bytes(tmp_path / "a.xml") == 100
    assert prepare.file_bytes(tmp_path / "b.pte") == 7


def test_products_in_pnnx_are_counted(load):
    lines = [
        "nn.Conv2d c 1 1 a b groups=2 @weight=(8,2,3,3)f32 #a=(1,4,9,9)f32 #b=(1,8,7,7)f32",
        "nn.Linear l 1 1 10 1 @bias=(6)f32 @weight=(6,5)f32 #10=(1,3,5)f32 #1=(1,3,6)f32",
        "F.scaled_dot_product_attention s 3 1 q k v o $query=q #q=(1,2,7,4)f32 #k=(1,2,9,4)f32"
        " #v=(1,2,9,5)f32 #o=(1,2,7,5)f32",
        "F.relu r 1 1 b d #b=(1,8,7,7)f32 #d=(1,8,7,7)f32",
    ]
    counted = load("peers/convert_ncnn.py").of_lines(lines)
    assert counted == 8 * 49 * 2 * 9 + 3 * 6 * 5 + 2 * 7 * 9 * 4 + 2 * 7 * 5 * 9


def test_a_product_that_is_not_known_is_refused(load):
    with pytest.raises(RuntimeError, match="got torch.bmm"):
        load("peers/convert_ncnn.py").of_lines(["torch.bmm m 2 1 a b c"])


def test_reasons_name_no_path_of_this_machine(prepare, tmp_path):
    reason = f"no file '{tmp_path}/a fp32.onnx', see {prepare.ROOT}/build/log"
    assert prepare.portable(reason, tmp_path) == "no file 'a fp32.onnx', see build/log"
