"""The numbers that conditions of --fail-if compare."""

import pytest

from hvit_edge.datasets import FirstFew, ImageSet, Skipped
from hvit_edge.errors import InputError
from hvit_edge.evaluate.compare import compare_reports, compare_with_eager
from hvit_edge.evaluate.numbers import OWN, check_measured, known_numbers, numbers_of
from hvit_edge.evaluate.report import Outcome, summarise
from hvit_edge.evaluate.task_report import EmbedReport, SegmentReport


def classified(ranks, eager=None):
    outcomes = [
        Outcome(i, r, r, *(() if eager is None else (eager[i], eager[i])))
        for i, r in enumerate(ranks)
    ]
    outcomes.append(Outcome(len(ranks), skipped="bad"))
    names = [f"{i}.png" for i in range(len(outcomes))]
    images = ImageSet("data", names, [0] * len(names), None)
    named = {"artifact": "x.pte", "data": "data", "against_eager": eager is not None}
    return summarise(outcomes, images, ("a", "b"), **named)


def test_numbers_of_classes():
    numbers = numbers_of(classified([0, 0, 1, 1]), None)
    assert list(numbers) == list(known_numbers("classify"))
    found = {name: value for name, value in numbers.items() if value is not None}
    assert found == {"top1": 0.5, "top5": 1.0, "images": 4, "skipped": 1}


def test_a_comparison_adds_the_drop():
    report, other = classified([0, 0, 1, 1]), classified([0, 0, 0, 1])
    comparison = compare_reports(report, other)
    numbers = numbers_of(report, comparison)
    assert numbers["top1_drop"] == 25 and numbers["p_value"] == 1
    assert (numbers["drop_low"], numbers["drop_high"]) == comparison.interval


def test_pytorch_adds_the_drop_too():
    report = classified([0, 0, 1, 1], eager=[0, 0, 0, 1])
    numbers = numbers_of(report, compare_with_eager(report))
    assert (numbers["eager_top1"], numbers["agreement"], numbers["top1_drop"]) == (0.75, 0.75, 25)


def shared(task, **own):
    return {
        "task": task,
        "artifact": "x.pte",
        "data": "data",
        "backend": "stub",
        "images": 3,
        "skipped": [Skipped("a", "bad")],
        "ignored": FirstFew(),
        "per_class": [],
        **own,
    }


def test_masks_and_embeddings_against_pytorch_alone():
    own = {"mean_iou": 0.5, "pixel_accuracy": 0.9, "absent_classes": FirstFew()}
    numbers = numbers_of(SegmentReport(**shared("segment", eager_mean_iou=0.75, **own)), None)
    assert (numbers["mean_iou_drop"], numbers["skipped"]) == (25, 1)
    recalls = {"recall": {"1": 0.5, "5": 0.6, "10": 0.7}, "eager_recall": {"1": 0.625}}
    numbers = numbers_of(EmbedReport(**shared("embed", queries=3, **recalls)), None)
    assert [numbers[name] for name in OWN["embed"]] == [0.5, 0.6, 0.7, 3]
    assert (numbers["eager_recall_1"], numbers["recall_1_drop"]) == (0.625, 12.5)


@pytest.mark.parametrize("task", OWN)
def test_names_that_need_an_option_are_refused_without_it(task):
    measure = {"classify": "top1", "segment": "mean_iou", "detect": "mean_precision"}
    drop = f"{measure.get(task, 'recall_1')}_drop"
    with pytest.raises(InputError, match=f"expected --against OTHER, which measures {drop}"):
        check_measured([drop], task, against=False, against_eager=False)
    with pytest.raises(InputError, match="expected --against-eager, which measures agreement"):
        check_measured(["agreement", drop], task, against=True, against_eager=False)
    check_measured([drop, *OWN[task], "images"], task, against=True, against_eager=False)
    check_measured([drop, "agreement"], task, against=False, against_eager=True)


def test_only_classes_have_a_test_against_pytorch():
    check_measured(["p_value", "drop_low"], "classify", against=False, against_eager=True)
    with pytest.raises(InputError, match="expected --against OTHER, which measures drop_low"):
        check_measured(["drop_low"], "segment", against=False, against_eager=True)
