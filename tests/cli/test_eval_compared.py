"""`hvit-edge eval --against` and `--fail-if`; tests/evaluate tests what is computed."""

import json

import numpy as np
import pytest
from PIL import Image

from hvit_edge.cli import main
from hvit_edge.runtime import Classifier


@pytest.fixture(scope="session")
def other(compiled):
    """Return the classifier in another precision."""
    return compiled("cifar-dynamic.pte", "--precision", "int8-dynamic")


@pytest.fixture
def data(artifact, photo, tmp_path):
    """Write six crops of a photo, of which the classifier has four right."""
    classifier = Classifier(artifact.path)
    with Image.open(photo) as image:
        crops = [np.asarray(image.resize((40, 40), box=(i, i, i + 200, i + 200))) for i in range(6)]
    found = [classifier(crop, top_k=1)[0].index for crop in crops]
    labels = np.array(found) + np.array([0, 0, 0, 0, 1, 1])
    np.savez(tmp_path / "d.npz", images=np.stack(crops), labels=labels % 10)
    return tmp_path / "d.npz"


@pytest.mark.slow
def test_two_artifacts_on_the_same_images(artifact, other, data, capsys):
    command = ["eval", str(other), str(data), "--against", str(artifact)]
    assert main([*command, "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["artifact"] == str(other) and report["against"]["artifact"] == str(artifact)
    comparison = report["comparison"]
    assert comparison["baseline"] == str(artifact) and comparison["images"] == 6
    assert comparison["baseline_value"] == report["against"]["top1"] == pytest.approx(4 / 6)
    assert comparison["drop"] == 100 * (report["against"]["top1"] - report["top1"])
    assert main([*command, "--fail-if", "top1_drop > 99"]) == 0
    out = capsys.readouterr().out
    assert f"against {artifact} on 6 images\n\n  top-1" in out and "McNemar's test" in out


@pytest.mark.slow
def test_both_evaluations_go_on_from_their_files(artifact, other, data, tmp_path, capsys):
    command = ["eval", str(other), str(data), "--against", str(artifact), "--format", "json"]
    state = tmp_path / "state"
    outputs = []
    for more in ([], ["--resume", str(state)], ["--resume", str(state)]):
        assert main([*command, *more]) == 0
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1] == outputs[2]
    assert sorted(path.name for path in tmp_path.glob("state*")) == ["state", "state.against"]


def test_a_condition_that_holds_exits_with_3_after_the_report(artifact, data, capsys):
    command = ["eval", str(artifact), str(data)]
    assert main([*command, "--fail-if", "top1 < 0.9", "--fail-if", "images > 99"]) == 3
    out, err = capsys.readouterr()
    assert "  top-1   66.67 %" in out
    assert err.startswith("error: [fail-if] expected no condition of --fail-if to hold, got top1 <")
    assert "(top1 = 0.666667)" in err and "images" not in err
    assert main([*command, "--fail-if", "top1 < 0.6"]) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--fail-if", "topp1 < 0.9"], "did you mean top1? known: top1, top5, images, skipped"),
        (["--fail-if", "top1"], "expected a comparison of names and numbers"),
        (["--fail-if", "top1_drop > 0"], "expected --against OTHER, which measures top1_drop"),
        (["--fail-if", "agreement < 1"], "expected --against-eager, which measures agreement"),
        (["--against", "no.pte"], "no.pte"),
        (["--against", "ARTIFACT", "--against-eager"], "expected --against or --against-eager"),
        (["--ray-address", "auto"], "--ray-address: expected together with --on ray"),
        (["--on", "rya"], "expected local or ray, got 'rya'; did you mean 'ray'?"),
        (["--on", "ray", "--device", "qemu:max"], "expected the device local, got qemu:max"),
    ],
)
def test_refusals_before_the_work(artifact, data, capsys, options, message):
    options = [str(artifact) if option == "ARTIFACT" else option for option in options]
    assert main(["eval", str(artifact), str(data), *options]) == 2
    out, err = capsys.readouterr()
    assert out == "" and message in err
