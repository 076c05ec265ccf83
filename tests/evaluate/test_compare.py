"""Comparisons of two evaluations, with answers that the tests choose."""

import itertools

import numpy as np
import pytest

from hvit_edge.datasets import FirstFew, ImageSet
from hvit_edge.errors import InputError
from hvit_edge.evaluate.compare import compare_reports, compare_with_eager
from hvit_edge.evaluate.report import Outcome, summarise
from hvit_edge.evaluate.task_report import DetectReport, EmbedReport, SegmentReport

stats = pytest.importorskip("scipy.stats")


def classified(right, *, skip=(), eager=None, artifact="x.pte"):
    """Return the report of images of class 0; a wrong answer is class 1."""
    outcomes = [
        Outcome(i, skipped="bad")
        if i in skip
        else Outcome(
            i, int(not hit), int(not hit), *(() if eager is None else [int(not eager[i])] * 2)
        )
        for i, hit in enumerate(right)
    ]
    images = ImageSet("data", [f"{i}.png" for i in range(len(right))], [0] * len(right), None)
    named = {"artifact": artifact, "data": "data", "against_eager": eager is not None}
    return summarise(outcomes, images, ("a", "b"), **named)


def hits(both, first, second, neither):
    """Return what two classifiers have right, as two lists."""
    pairs = [(1, 1)] * both + [(1, 0)] * first + [(0, 1)] * second + [(0, 0)] * neither
    return tuple(zip(*pairs, strict=True))


def test_a_worse_artifact():
    first, second = hits(80, 12, 2, 6)
    found = compare_reports(classified(second), classified(first, artifact="base.pte"))
    assert (found.baseline, found.measure, found.images) == ("base.pte", "top1", 100)
    assert (found.baseline_value, found.value) == (0.92, 0.82)
    assert found.drop == pytest.approx(10)
    assert (found.mcnemar.only_first, found.mcnemar.only_second) == (12, 2)
    assert found.mcnemar.p_value == pytest.approx(stats.binomtest(2, 14, 0.5).pvalue)
    assert found.agreement == 0.86
    assert found.verdict == "worse"
    # Each image adds 1, -1 or 0 to the drop: its variance is that of the paired differences.
    spread = 100 * np.sqrt((0.12 + 0.02 - 0.1**2) / 100)
    assert found.interval == pytest.approx(
        (10 - 1.96 * spread, 10 + 1.96 * spread), abs=0.2 * spread
    )


def test_better_and_equal_artifacts():
    first, second = hits(80, 2, 12, 6)
    assert compare_reports(classified(second), classified(first)).verdict == "better"
    first, second = hits(80, 6, 4, 10)
    found = compare_reports(classified(second), classified(first))
    assert found.verdict == "no difference shown" and found.drop == pytest.approx(2)
    same = compare_reports(classified(first), classified(first))
    assert (same.drop, same.interval, same.mcnemar.p_value) == (0, (0, 0), 1)


def test_only_images_that_both_read_count():
    first, second = hits(5, 1, 0, 4)
    found = compare_reports(classified(second, skip=[0]), classified(first, skip=[5]))
    assert (found.images, found.drop) == (8, 0)


def test_pytorch_is_a_baseline_too():
    first, second = hits(80, 12, 2, 6)
    found = compare_with_eager(classified(second, eager=first))
    assert (found.baseline, found.verdict) == ("PyTorch", "worse")
    assert found.mcnemar.only_first == 12 and found.drop == pytest.approx(10)


def shared(task, rows, **own):
    return {
        "task": task,
        "artifact": f"{task}.pte",
        "data": "data",
        "backend": "stub",
        "images": len(rows),
        "skipped": [],
        "ignored": FirstFew(),
        "answers": tuple({"index": i, "name": str(i), **row} for i, row in enumerate(rows)),
        **own,
    }


def segmented(classes):
    rows = [{"classes": each} for each in classes]
    own = {"mean_iou": 0, "pixel_accuracy": 0, "per_class": [], "absent_classes": FirstFew()}
    return SegmentReport(**shared("segment", rows, **own))


def test_masks_are_compared_by_all_pixels_of_each_class():
    base = [{"0": [8, 10], "1": [4, 6]}, {"0": [9, 12]}]
    other = [{"0": [8, 10], "1": [2, 8]}, {"0": [9, 12], "2": [0, 3]}]
    found = compare_reports(segmented(other), segmented(base))
    assert found.baseline_value == pytest.approx((17 / 22 + 4 / 6) / 2)
    assert found.value == pytest.approx((17 / 22 + 2 / 8 + 0) / 3)
    assert found.drop == pytest.approx(100 * (found.baseline_value - found.value))
    # Only three samples of two images exist; each is one end of the interval or within it.
    drops = []
    for chosen in itertools.combinations_with_replacement(range(2), 2):
        one, two = ([rows[i] for i in chosen] for rows in (base, other))
        drops.append(compare_reports(segmented(two), segmented(one)).drop)
    assert found.interval == pytest.approx((min(drops), max(drops)))
    assert found.mcnemar is None and found.agreement is None


def embedded(ranks):
    own = {"queries": len(ranks), "recall": {}, "per_class": []}
    return EmbedReport(**shared("embed", [{"rank": rank} for rank in ranks], **own))


def test_embeddings_are_compared_by_their_nearest_image():
    found = compare_reports(embedded([0, 3, None, 1, 0]), embedded([0, 0, None, 0, 2]))
    assert (found.measure, found.images, found.baseline_value, found.value) == (
        "recall_1",
        4,
        0.75,
        0.5,
    )
    assert (found.mcnemar.only_first, found.mcnemar.only_second) == (2, 1)


def detected(precision):
    own = dict.fromkeys(("at_50", "at_75", "small", "medium", "large"), 0.0)
    own |= dict.fromkeys(("recall_1", "recall_10", "recall_100", "objects", "found"), 0)
    own |= {"per_class": [], "absent_classes": FirstFew(), "mean_precision": precision}
    return DetectReport(**shared("detect", [{}], **own))


def test_boxes_have_a_drop_alone():
    found = compare_reports(detected(0.3), detected(0.35))
    assert found.drop == pytest.approx(5)
    assert (found.interval, found.mcnemar, found.verdict, found.samples) == (None, None, None, 0)


def test_other_tasks_and_images_are_refused():
    with pytest.raises(InputError, match="an artifact of the same task, got detect and embed"):
        compare_reports(embedded([0]), detected(0.3))
    with pytest.raises(InputError, match="expected the same images, got 2 and 3"):
        compare_reports(classified([1, 1, 1]), classified([1, 1]))
    with pytest.raises(InputError, match="images that both answered, got none"):
        compare_reports(classified([1, 1], skip=[0]), classified([1, 1], skip=[1]))
