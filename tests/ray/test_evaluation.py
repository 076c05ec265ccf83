"""Evaluations on a cluster: the report of one process, to the last digit."""

import json
import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hvit_edge.cli import main
from hvit_edge.errors import InputError
from hvit_edge.evaluate.accuracy import evaluate
from hvit_edge.evaluate.on_ray import SentArtifact
from hvit_edge.evaluate.tasks import evaluate_task

pytestmark = pytest.mark.slow
DATA = Path(__file__).parents[2] / "cpp/tests/data"
ARTIFACT = DATA / "tiny_native_v1.pte"
CLASSES = 7


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Write 60 photos of noise in the folders of all classes, two of them torn."""
    root = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(0)
    for index in range(60):
        folder = root / str(index % CLASSES)
        folder.mkdir(exist_ok=True)
        pixels = random.integers(0, 256, (20, 24, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{index}.png")
    (root / "3/3.png").write_bytes(b"torn")
    (root / "5/47.png").write_bytes(b"")
    return root


@pytest.fixture(scope="module")
def arrays(photos):
    random = np.random.default_rng(1)
    images = random.integers(0, 256, (50, 20, 24, 3), np.uint8)
    np.savez(photos.parent / "d.npz", images=images, labels=np.arange(50) % CLASSES)
    return photos.parent / "d.npz"


def both(report):
    """Return all of a report that is compared."""
    return report.to_dict(), report.answers


@pytest.mark.parametrize("workers", [1, 2])
def test_photos_of_folders(connected, photos, workers):
    local = evaluate(ARTIFACT, photos, threads=2)
    assert len(local.skipped) == 2 and 0 < local.top5 < 1
    cluster = connected(workers)
    for batch in (7, 32):
        report = evaluate(ARTIFACT, photos, cluster=cluster, batch=batch)
        assert both(report) == both(local)
    assert cluster.done == 120


def test_an_npz_file_with_a_limit(connected, arrays):
    local = evaluate(ARTIFACT, arrays, limit=33)
    assert both(evaluate(ARTIFACT, arrays, limit=33, cluster=connected(), batch=5)) == both(local)


def test_a_path_is_found_from_the_folder_of_the_caller(connected, photos, monkeypatch):
    monkeypatch.chdir(photos.parent)
    local = evaluate(ARTIFACT, photos.name)
    assert both(evaluate(ARTIFACT, photos.name, cluster=connected())) == both(local)


def test_pytorch_is_called_on_the_workers(connected, arrays):
    def eager(image):
        return np.roll(np.arange(CLASSES, dtype=np.float32), int(image.flat[0]))[None]

    local = evaluate(ARTIFACT, arrays, eager=eager)
    assert local.agreement < 1
    assert both(evaluate(ARTIFACT, arrays, eager=eager, cluster=connected())) == both(local)


def test_what_another_run_recorded_is_not_repeated(connected, photos, tmp_path):
    state = tmp_path / "state.jsonl"
    local = evaluate(ARTIFACT, photos, resume=state, batch=8)
    lines = state.read_bytes().splitlines(keepends=True)
    state.write_bytes(b"".join(lines[:4]) + b'{"outc')
    cluster = connected()
    report = evaluate(ARTIFACT, photos, resume=state, batch=5, cluster=cluster)
    assert both(report) == both(local)
    assert cluster.done == 60 - 24
    assert both(evaluate(ARTIFACT, photos, resume=state)) == both(local)


def test_a_killed_node_changes_no_digit(nodes, connected, photos, tmp_path):
    """The node is killed after each of three workers has begun with an image."""
    node = nodes.add()

    def eager(image):
        (tmp_path / str(os.getpid())).touch()
        while not (tmp_path / "go").exists():
            time.sleep(0.01)
        return np.arange(CLASSES, dtype=np.float32)[None]

    def kill_when_all_are_busy():
        while len(list(tmp_path.iterdir())) < 3:
            time.sleep(0.01)
        nodes.kill(node)
        (tmp_path / "go").touch()

    killer = threading.Thread(target=kill_when_all_are_busy)
    killer.start()
    cluster = connected(workers=3)
    report = evaluate(ARTIFACT, photos, eager=eager, cluster=cluster, batch=4)
    killer.join()
    assert cluster.losses.nodes == 1
    assert cluster.losses.workers >= 1  # one that replaces it may start on the lost node, too
    assert both(report) == both(evaluate(ARTIFACT, photos, eager=eager))


def test_embeddings(connected, photos):
    artifact = DATA / "native_embed_v2.pte"
    local = evaluate_task(artifact, photos)
    assert len(local.skipped) == 2
    assert both(evaluate_task(artifact, photos, cluster=connected())) == both(local)


def test_masks(connected, photos, tmp_path):
    for folder in ("JPEGImages", "SegmentationClass"):
        (tmp_path / folder).mkdir()
    for index, path in enumerate(sorted(photos.glob("1/*.png"))):
        (tmp_path / "JPEGImages" / path.name).write_bytes(path.read_bytes())
        truth = np.full((20, 24), index % 4, np.uint8)
        Image.fromarray(truth).save(tmp_path / "SegmentationClass" / path.name)
    artifact = DATA / "native_segment_v2.pte"
    local = evaluate_task(artifact, tmp_path)
    assert both(evaluate_task(artifact, tmp_path, cluster=connected())) == both(local)


def test_boxes(connected, photos, tmp_path):
    pytest.importorskip("pycocotools")
    paths = sorted(photos.glob("1/*.png"))
    content = {
        "images": [{"id": i, "file_name": path.name} for i, path in enumerate(paths)],
        "categories": [{"id": i, "name": name} for i, name in enumerate(("red", "green", "blue"))],
        "annotations": [
            {"id": i, "image_id": i, "category_id": i % 3, "bbox": [1, 2, 10 + i, 12]}
            for i in range(len(paths))
        ],
    }
    (tmp_path / "truth.json").write_text(json.dumps(content))
    artifact, options = DATA / "native_detect_v2.pte", {"images": photos / "1"}
    local = evaluate_task(artifact, tmp_path / "truth.json", **options)
    spread = evaluate_task(artifact, tmp_path / "truth.json", cluster=connected(), **options)
    assert both(spread) == both(local)


def test_the_command_line(nodes, photos, capsys):
    command = ["eval", str(ARTIFACT), str(photos), "--format", "json"]
    assert main(command) == 0
    local = capsys.readouterr()
    assert main([*command, "--on", "ray", "--ray-address", nodes.address, "--workers", "2"]) == 0
    out, err = capsys.readouterr()
    assert out == local.out
    assert err.startswith("ray: 60 images in ") and " on 2 workers of 2 nodes\n" in err
    assert err.endswith(local.err)


def test_a_device_is_refused(connected, photos):
    with pytest.raises(InputError, match="expected the device local, got qemu:max"):
        evaluate(ARTIFACT, photos, device="qemu:max", cluster=connected())


def test_an_artifact_that_a_node_does_not_have_is_written_there(tmp_path):
    path = tmp_path / "a.pte"
    path.write_bytes(b"first")
    sent = SentArtifact.of(path)
    assert sent.here() == str(path)
    path.write_bytes(b"another")
    copy = Path(sent.here())
    assert copy != path and copy.name == "a.pte" and copy.read_bytes() == b"first"
    folder = tmp_path / "a.mlpackage"
    folder.mkdir()
    assert SentArtifact.of(folder).here() == str(folder)
