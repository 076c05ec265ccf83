"""Evaluations of masks, boxes and embeddings, with known answers and with real artifacts."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hvit_edge import Detector, Embedder, Segmenter
from hvit_edge.annotations import open_boxes, open_labeled, open_masks
from hvit_edge.cli import main
from hvit_edge.errors import InputError
from hvit_edge.evaluate.boxes import measure_detections
from hvit_edge.evaluate.embeddings import measure_embeddings
from hvit_edge.evaluate.masks import measure_masks
from hvit_edge.evaluate.tasks import evaluate_task
from hvit_edge.runtime import Detection, Mask

DATA = Path(__file__).parents[2] / "cpp/tests/data"
EMBED, SEGMENT, DETECT = (DATA / f"native_{name}_v2.pte" for name in ("embed", "segment", "detect"))
LABELS = ("background", "red", "green", "blue")
COLORS = {1: (255, 0, 0), 2: (0, 255, 0), 3: (0, 0, 255)}


def picture(index, shape=(60, 80)):
    """Return a gray photo whose left half has the color of a class."""
    pixels = np.full((*shape, 3), 128, np.uint8)
    pixels[:, : shape[1] // 2] = COLORS[index]
    return pixels


@pytest.fixture
def voc(tmp_path):
    """Three photos, the left half of each in one color."""
    for folder in ("JPEGImages", "SegmentationClass"):
        (tmp_path / folder).mkdir()
    for index in (1, 2, 3):
        Image.fromarray(picture(index)).save(tmp_path / f"JPEGImages/{index}.png")
        truth = np.zeros((60, 80), np.uint8)
        truth[:, :40], truth[:, 36:44] = index, 255
        Image.fromarray(truth).save(tmp_path / f"SegmentationClass/{index}.png")
    return tmp_path


@pytest.fixture
def coco(tmp_path):
    """Write the same photos, with the colored half of each as its object."""
    for index in (1, 2, 3):
        Image.fromarray(picture(index)).save(tmp_path / f"{index}.png")
    content = {
        "images": [{"id": i, "file_name": f"{i}.png", "width": 80, "height": 60} for i in COLORS],
        "categories": [{"id": 10 + i, "name": LABELS[i]} for i in COLORS],
        "annotations": [
            {"id": i, "image_id": i, "category_id": 10 + i, "bbox": [0, 0, 40, 60]} for i in COLORS
        ],
    }
    path = tmp_path / "truth.json"
    path.write_text(json.dumps(content))
    return path


@pytest.fixture
def colored(tmp_path):
    """A folder of three classes by color, with three images of each."""
    random = np.random.default_rng(7)
    for index in COLORS:
        folder = tmp_path / "photos" / LABELS[index]
        folder.mkdir(parents=True)
        for number in range(3):
            noise = random.integers(-20, 20, (30, 30, 3))
            pixels = (np.array(COLORS[index]) + noise).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"{number}.png")
    return tmp_path / "photos"


def fixed_mask(classes):
    return Mask(classes, None, LABELS, ())


def test_masks_of_a_known_overlap(voc):
    """The answer is class 1 in the left quarter of every photo, and class 0 elsewhere."""
    classes = np.zeros((60, 80), np.uint8)
    classes[:, :20] = 1
    report = measure_masks(
        lambda image: fixed_mask(classes), open_masks(voc, classes=4), classes=4, labels=LABELS
    )
    # In columns that count: 36 of the class and 36 of the background in each photo.
    expected = {
        "background": 3 * 36 / (3 * 36 + 3 * 16),
        "red": 20 / (36 + 2 * 20),
        "green": 0,
        "blue": 0,
    }
    # Two photos have 20 columns of class 1 that are another class.
    assert {row.label: row.iou for row in report.per_class} == pytest.approx(expected)
    assert report.mean_iou == pytest.approx(sum(expected.values()) / 4)
    assert (report.images, report.absent_classes.count, report.agreement) == (3, 0, None)


def test_masks_against_pytorch(voc):
    whole, half = np.ones((60, 80), np.uint8), np.zeros((60, 80), np.uint8)
    half[:, :40] = 1
    report = measure_masks(
        lambda image: fixed_mask(half),
        open_masks(voc, classes=4),
        classes=4,
        eager=lambda image: fixed_mask(whole),
    )
    assert report.agreement == pytest.approx((0 + 1 / 2) / 2)
    assert report.eager_mean_iou < report.mean_iou


def test_a_label_map_of_another_size_stops(voc):
    Image.fromarray(np.zeros((5, 5), np.uint8)).save(voc / "SegmentationClass/2.png")
    with pytest.raises(InputError, match="2.png: expected a label map of 80x60 pixels"):
        evaluate_task(SEGMENT, voc)


def test_boxes_of_a_known_precision(coco):
    """Red is found, green is found as blue, and blue is not found."""

    def answer(image):
        index = {255: 1}.get(int(image[0, 0, 0]), 3 if image[0, 0, 1] else 0)
        return [Detection("", index, 0.9, 0.0, 0.0, 40.0, 60.0)] if index else []

    data = open_boxes(coco, labels=dict(enumerate(LABELS[1:], 1)))
    report = measure_detections(answer, data, classes=4, labels=LABELS[1:], eager=answer)
    assert {row.label: row.precision for row in report.per_class} == pytest.approx(
        {"red": 1, "green": 0, "blue": 0}
    )
    assert report.mean_precision == pytest.approx(1 / 3)
    assert report.eager_mean_precision == pytest.approx(1 / 3)
    assert (report.agreement, report.objects, report.found) == (1, 3, 2)


def test_embeddings_of_known_neighbors(colored):
    images, names = open_labeled(colored)
    report = measure_embeddings(lambda image: image.mean((0, 1)), images, names)
    assert report.recall == {"1": 1, "5": 1, "10": 1}
    constant = measure_embeddings(lambda image: np.ones(3), images, names)
    assert constant.recall["5"] == 0
    assert [(row.label, row.images) for row in report.per_class] == [
        ("blue", 3),
        ("green", 3),
        ("red", 3),
    ]


def test_subfolders_without_images_are_listed(colored, capsys):
    (colored / "white").mkdir()
    assert str(evaluate_task(EMBED, colored).empty_classes) == "white"
    assert main(["eval", str(EMBED), str(colored)]) == 0
    assert "empty         1: white\n" in capsys.readouterr().out


def test_photos_of_another_size_than_their_boxes_are_skipped(coco):
    Image.fromarray(picture(2, (80, 60))).save(coco.parent / "2.png")
    report = evaluate_task(DETECT, coco)
    (skipped,) = report.skipped
    assert skipped.name == "2.png"
    assert "expected 80x60 pixels, as the annotations say, got 60x80" in skipped.reason
    assert report.objects == 2


def test_unreadable_images_are_listed(colored):
    (colored / "red" / "0.png").write_text("no image")
    report = evaluate_task(EMBED, colored)
    assert [skipped.name for skipped in report.skipped] == ["red/0.png"]
    assert report.images == 8
    for path in colored.rglob("*.png"):
        path.write_text("no image")
    with pytest.raises(InputError, match="expected readable images, got 9 unreadable"):
        evaluate_task(EMBED, colored)


def test_real_artifacts(voc, coco, colored):
    masks = evaluate_task(SEGMENT, voc)
    assert masks.mean_iou > 0.8  # the mask ends at the color, up to a cell of the map
    found = Segmenter(SEGMENT)
    by_hand = measure_masks(found, open_masks(voc, classes=4), classes=4, labels=LABELS)
    assert [row.iou for row in masks.per_class] == [row.iou for row in by_hand.per_class]
    boxes = evaluate_task(DETECT, coco)
    assert boxes.found == sum(len(Detector(DETECT)(coco.parent / f"{i}.png")) for i in COLORS)
    embeddings = evaluate_task(EMBED, colored, limit=6)
    assert (embeddings.images, embeddings.recall["1"]) == (6, 1)
    assert Embedder(EMBED).size == 5


def run_json(capsys, *arguments):
    assert main(["eval", *(str(a) for a in arguments), "--format", "json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_command_line(voc, coco, colored, capsys):
    for artifact, data, key in (
        (SEGMENT, voc, "mean_iou"),
        (DETECT, coco, "mean_precision"),
        (EMBED, colored, "recall"),
    ):
        report = run_json(capsys, artifact, data)
        assert report[key] == evaluate_task(artifact, data).to_dict()[key]
        assert main(["eval", str(artifact), str(data)]) == 0
        text = capsys.readouterr().out
        assert text.startswith(f"{artifact} on {data}\n")
        assert "red" in text
    assert "mean IoU" in capsys.readouterr().out or "recall at 1" in text


def test_parts_of_the_data(voc, coco, capsys):
    (voc / "ImageSets/Segmentation").mkdir(parents=True)
    (voc / "ImageSets/Segmentation/val.txt").write_text("2\n")
    report = run_json(capsys, SEGMENT, voc, "--split", "val")
    assert (report["images"], report["absent_classes"]["count"]) == (1, 2)
    moved = coco.parent / "photos"
    moved.mkdir()
    for index in COLORS:
        (coco.parent / f"{index}.png").rename(moved / f"{index}.png")
    assert run_json(capsys, DETECT, coco, "--images", moved)["images"] == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((EMBED, "DATA", "--split", "val"), "--split: expected an artifact of the task segment"),
        ((SEGMENT, "DATA", "--images", "x"), "--images: expected an artifact of the task detect"),
        ((SEGMENT, "DATA", "--workers", "2"), "--workers: expected an artifact that classifies"),
        ((SEGMENT, "DATA", "--resume", "x", "--allow-empty"), "--resume, --allow-empty: expected"),
        ((SEGMENT, "DATA"), "got no folder JPEGImages"),
        ((DETECT, "DATA"), "expected a COCO file"),
        ((EMBED, "DATA"), "one subfolder per class, got no subfolder"),
        ((SEGMENT, "DATA", "--method", "x"), "expected none with the task segment"),
    ],
)
def test_refusals(arguments, message, tmp_path, capsys):
    words = [str(tmp_path if a == "DATA" else a) for a in arguments]
    assert main(["eval", *words]) == 2
    assert message in capsys.readouterr().err


def test_another_task_is_named():
    with pytest.raises(InputError, match="embed, segment, detect, got one of the task classify"):
        evaluate_task(DATA / "tiny_v1.pte", "x")
