"""The bundled classifier in int8, from the command line to the C++ runtime."""

import json
import math
import subprocess
import sys
from collections import Counter

import pytest

from hvit_edge.cli import main
from hvit_edge.weights import find_bundled


@pytest.mark.slow
def test_int8_from_compile_to_run(write_windows, photo, tmp_path, capsys):
    path, images = tmp_path / "cat-int8.pte", write_windows(tmp_path / "images", 36)
    (images / "007.png").write_bytes(b"torn")
    done = subprocess.run(
        [sys.executable, "-m", "hvit_edge.cli", "compile", "mobilevit_xxs", "--weights", "cifar10"]
        + ["--precision", "int8", "--calib-data", images, "--calib-samples", "35"]
        + ["-o", path, "--format", "json"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    compiled = json.loads(done.stdout)
    assert (compiled["delegates"], compiled["ops_outside"]) == (1, [])
    said = [line for line in done.stderr.splitlines() if not line.endswith(" ...")]
    assert said == [f"warning: {notice}" for notice in compiled["calibration"]["notices"]]
    assert compiled["calibration"]["images"] + len(compiled["calibration"]["skipped"]) == 35

    def run(*arguments):
        assert main([*map(str, arguments), "--format", "json"]) == 0
        return json.loads(capsys.readouterr().out)

    ran = run("run", path, photo, "--self-test")
    assert ran["self_test"]["passed"] is True and ran["self_test"]["max_rel"] > 1e-3
    assert ran["results"][0]["predictions"][0]["label"] == "cat"

    report = run("validate", path)
    assert report["passed"] and report["precision"] == "int8" and report["rtol"] is None
    assert 20 < report["sqnr_db"] < 60 and 15 < report["sqnr_centred_db"] < 60
    assert report["worst_image"]["sqnr_db"] < report["sqnr_db"] + 1e-9
    assert report["top1_agreement"] >= 0.75
    exact = math.inf  # null: nothing was rounded before this layer
    decibels = [exact if x["sqnr_db"] is None else x["sqnr_db"] for x in report["layers"]]
    assert decibels == sorted(decibels) and len(decibels) > 60

    facts = run("inspect", path)
    layers = facts["metadata"]["layers"]
    assert layers == report["layers"]
    depthwise = [x["layer"] for x in layers if "depthwise" in x["layer"].split(":")[0]]
    assert set(depthwise) <= {x["layer"] for x in layers if x["precision"] == "fp32"} != set()
    assert all(x["precision"] == "int8" for x in layers if ".attn." in x["layer"])
    assert main(["inspect", str(path)]) == 0
    counts = Counter(x["precision"] for x in layers)
    assert f"  int8 {counts['int8']}, fp32 {counts['fp32']}\n" in capsys.readouterr().out
    weights = find_bundled("mobilevit_xxs", "cifar10").file
    assert path.stat().st_size < 0.7 * weights.stat().st_size, "these are in float16"
