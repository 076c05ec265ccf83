"""The report of given outcomes."""

import numpy as np
import pytest

from hvit_edge.datasets import ImageSet, Skipped
from hvit_edge.errors import InputError
from hvit_edge.evaluate.report import Outcome, summarise

LABELS = ("a", "b", "c", "d", "e", "f", "g")


def report_of(answers, labels=LABELS, skip=()):
    """Return the report of pairs (answer, true class); a wrong answer ranks the truth seventh."""
    outcomes = [
        Outcome(i, skipped="bad") if i in skip else Outcome(i, 0 if a == c else 6, a)
        for i, (a, c) in enumerate(answers)
    ]
    names = [f"{i}.png" for i in range(len(answers))]
    images = ImageSet("data", names, [c for _, c in answers], read=None)
    return summarise(outcomes, images, labels, artifact="x.pte", data="data", against_eager=False)


def shuffled(table):
    """Return pairs (answer, true class), each `table[true class][answer]` times, in any order."""
    pairs = [(a, c) for c, row in enumerate(table) for a, n in enumerate(row) for _ in range(n)]
    return [pairs[i] for i in np.random.default_rng(0).permutation(len(pairs))]


def test_confusion_of_the_worst_classes():
    table = [  # rows: true class; columns: answers; top-1 on the right
        [9, 1, 0, 0, 0, 0, 0],  # 9/10
        [0, 2, 1, 1, 0, 2, 2],  # 2/8: f and g twice, c before d
        [0, 0, 4, 0, 0, 0, 0],  # 4/4: no error
        [1, 0, 0, 1, 0, 0, 0],  # 1/2
        [0, 0, 0, 3, 0, 0, 0],  # 0/3
        [0, 0, 2, 0, 0, 2, 0],  # 2/4: before d, it has more images
        [0, 3, 0, 0, 0, 0, 7],  # 7/10
    ]
    expected = [
        ("e", 4, 3, 0.0, [("d", 3, 3)]),
        ("b", 1, 8, 0.25, [("f", 5, 2), ("g", 6, 2), ("c", 2, 1)]),
        ("f", 5, 4, 0.5, [("c", 2, 2)]),
        ("d", 3, 2, 0.5, [("a", 0, 1)]),
        ("g", 6, 10, 0.7, [("b", 1, 3)]),
    ]
    assert report_of(shuffled(table)).to_dict()["confusion"] == [
        {
            "label": label,
            "index": index,
            "images": images,
            "top1": top1,
            "mistaken_for": [
                {"label": name, "index": other, "images": count} for name, other, count in mistakes
            ],
        }
        for label, index, images, top1, mistakes in expected
    ]


def test_no_error_no_confusion():
    assert report_of([(0, 0), (5, 5)]).confusion == []


def test_equally_bad_classes_go_by_index():
    report = report_of([(0, 6), (0, 3), (6, 4)])
    assert [c.label for c in report.confusion] == ["d", "e", "g"]


def test_classes_without_labels_go_by_number():
    (worst,) = report_of([(2, 1)], labels=("a",)).confusion
    assert (worst.label, worst.mistaken_for[0].label) == ("1", "2")


def test_skipped_images_count_nowhere():
    report = report_of([(0, 0), (1, 0), (1, 1)], skip=[1])
    assert (report.images, report.top1, report.confusion) == (2, 1, [])
    assert report.skipped == [Skipped("1.png", "bad")]
    assert [row.images for row in report.per_class] == [1, 1]


def test_nothing_readable_is_refused():
    with pytest.raises(InputError, match="data: expected readable images, got 2 unreadable ones"):
        report_of([(0, 0), (0, 0)], skip=[0, 1])
