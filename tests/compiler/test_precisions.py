"""Precisions below fp32: calibration, gates, metadata and reports."""

import os
import warnings

import numpy as np
import pytest

import hvit_edge
from hvit_edge.errors import HvitEdgeError, InputError, ParityError
from hvit_edge.preprocess import load_image
from hvit_edge.targets.xnnpack import target

STEPS = ["exported", "rewritten", "quantised", "fidelity", "lowered"]
LEAST_SQNR = {"fp16": 45.0, "int8": 25.0, "int8-dynamic": 30.0}  # decibel, over the bundled photos
LINEARS = {"attention.qkv", "attention.project", "head"}


@pytest.fixture
def compile_tiny(tiny_model, tiny_preprocess, tmp_path):
    def compile_(precision, **options):
        output = tmp_path / "out" / "a.pte"
        output.parent.mkdir(exist_ok=True)
        options = {"preprocess": tiny_preprocess, "output": output, **options}
        return hvit_edge.compile(tiny_model, precision=precision, **options)

    return compile_


@pytest.mark.parametrize("precision", LEAST_SQNR)
def test_one_delegate_in_the_cpp_runtime(precision, tiny_quantised, decibel_of, record_property):
    artifact = tiny_quantised(precision)
    report = artifact.report.to_dict()
    assert (report["delegates"], report["ops_outside"]) == (1, [])
    decibel = decibel_of(artifact.path)
    assert decibel > LEAST_SQNR[precision]
    self_test = hvit_edge.Session(artifact.path).self_test()
    assert self_test.passed
    assert self_test.max_rel > 1e-5, "float32 all along"
    assert self_test.max_rel == pytest.approx(report["parity"]["max_rel"], abs=2e-3)
    record_property("measured", f"tiny, {precision}: {decibel:.1f} dB")


@pytest.mark.parametrize("precision", LEAST_SQNR)
def test_report_and_metadata(precision, tiny_quantised, tiny_model):
    artifact = tiny_quantised(precision)
    report, metadata = artifact.report.to_dict(), hvit_edge.Session(artifact.path).metadata
    assert report["precision"] == metadata.precision == precision
    assert [step["name"] for step in report["steps"]] == STEPS
    assert [step["tolerance"] for step in report["steps"][:2]] == [
        "max_rel <= 0.0001 and the same top-1"
    ] * 2
    assert metadata.golden_tolerance == {"fp16": 2e-2}.get(precision, 0.2)
    assert metadata.parity.max_rel == report["steps"][-1]["max_rel"]
    layers = {layer.layer.split(":")[0]: layer.precision for layer in metadata.layers}
    assert set(layers) == LINEARS | {"stem.0", "mix"} and len(metadata.layers) == 5
    head = "fp32" if precision == "int8-dynamic" else precision  # it reads a single row
    assert layers["head"] == head
    assert {layers[name] for name in LINEARS - {"head"}} == {precision.split("-")[0]}
    assert layers["mix"] == ("fp16" if precision == "fp16" else "fp32"), "depthwise"
    decibels = [layer.sqnr_db for layer in metadata.layers]
    assert decibels == sorted(decibels)
    if precision == "int8":
        assert report["calibration"]["images"] == 40
        assert len(report["calibration"]["notices"]) == 1, "fewer than advised"
    else:
        assert report["calibration"] is None


@pytest.mark.slow
def test_int8_gives_the_same_bytes_twice(compile_tiny, photo_windows, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    written = [
        compile_tiny("int8", calib_data=photo_windows, output=tmp_path / name).path.read_bytes()
        for name in ("a.pte", "b.pte")
    ]
    assert written[0] == written[1]


class Stop(HvitEdgeError):
    pass


@pytest.fixture
def calibrations(monkeypatch):
    """Return the calibrations that reach the quantizer, which then stops."""
    seen = []

    def record(graph, example, *, calibration, **options):
        seen.append(calibration)
        raise Stop

    monkeypatch.setattr(target, "quantize", record)
    return seen


def test_calibration_is_preprocessed_as_the_artifact_says(
    compile_tiny, write_windows, tiny_preprocess, calibrations, tmp_path
):
    folder = write_windows(tmp_path / "images", 33)
    (folder / "000.png").write_bytes(b"no image")
    loops = []

    def progress(items, total):
        loops.append(total)
        return items

    with pytest.raises(Stop), pytest.warns(UserWarning) as warned:
        compile_tiny("int8", calib_data=folder, progress=progress)
    calibration, again = calibrations  # for ExecuTorch's own lowering, after ours has failed
    assert again is calibration
    expected = [tiny_preprocess(load_image(folder / f"{i:03}.png")) for i in range(1, 33)]
    assert sorted(x.tobytes() for x in calibration.inputs) == sorted(x.tobytes() for x in expected)
    assert [image.name for image in calibration.skipped] == ["000.png"]
    said = [str(warning.message) for warning in warned if "[calibration]" in str(warning.message)]
    assert said == list(calibration.notices)
    assert "expected 128 images or more, got 32" in said[0]
    assert "skipped 1 unreadable: 000.png" in said[1]
    assert loops == [33]


def test_no_more_samples_than_asked_for(compile_tiny, photo_windows, calibrations):
    with pytest.raises(Stop), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compile_tiny("int8", calib_data=photo_windows, calib_samples=35)
    assert len(calibrations[0].inputs) == 35


def npz(path, images):
    np.savez(path, images=images)
    return path


UNFIT = {
    "empty": (lambda folder: folder, "expected images, got none"),
    "missing": (lambda folder: folder / "no", "got no such path"),
    "few": (
        lambda folder: npz(folder / "x.npz", smooth(31)),
        r"expected at least 32 images, got 31; take 128 to 512",
    ),
    "constant": (
        lambda folder: npz(folder / "x.npz", np.full((40, 24, 24, 3), 7, np.uint8)),
        r"expected photos, got x.npz\[\d+\] \(only one color\), .* and 35 more",
    ),
    "noise": (
        lambda folder: npz(
            folder / "x.npz", np.random.default_rng(0).integers(0, 256, (40, 24, 24, 3), np.uint8)
        ),
        "got random noise in 40 of 40",
    ),
}


def smooth(count):
    ramp = np.linspace(0, 255, 24).astype(np.uint8)
    return np.stack([np.roll(np.tile(ramp[:, None, None], (1, 24, 3)), i, 0) for i in range(count)])


@pytest.mark.parametrize("name", UNFIT)
def test_unfit_calibration_images_are_refused(name, compile_tiny, tmp_path):
    make, message = UNFIT[name]
    (tmp_path / "images").mkdir()
    steps = []
    with pytest.raises(InputError, match=message):
        compile_tiny("int8", calib_data=make(tmp_path / "images"), on_step=steps.append)
    assert steps == ["build", "calibrate"]
    assert os.listdir(tmp_path / "out") == []


REFUSALS = {
    "none": (("int8", {}), r"expected photos with int8, got none; pass calib_data="),
    "superfluous": (("fp16", {"calib_data": "d"}), r"expected none with fp16, .*, got d; leave"),
    "fp32": (("fp32", {"calib_data": "d"}), r"expected none with fp32"),
    "samples": (
        ("int8", {"calib_data": "d", "calib_samples": 31}),
        r"calib_samples=.*: expected at least 32, got 31",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals_before_any_work(name, compile_tiny, tmp_path):
    (precision, options), message = REFUSALS[name]
    steps = []
    with pytest.raises(InputError, match=message):
        compile_tiny(precision, on_step=steps.append, **options)
    assert steps == [] and os.listdir(tmp_path / "out") == []


def test_wrong_rounding_is_named_and_nothing_written(compile_tiny, tmp_path, monkeypatch):
    quantize = target.quantize

    def wrong(*arguments, **options):
        graph = quantize(*arguments, **options)
        constants = dict(graph.named_buffers())
        next(v for k, v in constants.items() if k.endswith("_int8")).neg_()
        return graph

    monkeypatch.setattr(target, "quantize", wrong)
    with pytest.raises(ParityError, match=r"quantised program to have cosine >= 0.99 .* written"):
        compile_tiny("int8-dynamic")
    assert os.listdir(tmp_path / "out") == []


def test_a_gate_of_ones_own(compile_tiny, tmp_path):
    with pytest.raises(
        ParityError, match="quantised program to have max_rel <= 1e-06 and the same"
    ):
        compile_tiny("int8-dynamic", rtol=1e-6)
    assert os.listdir(tmp_path / "out") == []
