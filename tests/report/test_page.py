"""The page: right numbers, nothing loaded, every name as text, and its size."""

import re

import numpy as np
import pytest

from hvit_edge.report.charts import Point, best
from hvit_edge.report.page import render
from hvit_edge.report.photos import SHOWN
from hvit_edge.report.read_results import Results

HOSTILE = '"><script>alert(1)</script>'


def classified(name, answers, data="none.npz", labels=("cat", HOSTILE)):
    """Return the results of a classifier with these pairs of true and predicted classes."""
    rows = [
        {
            "index": index,
            "name": f"{data}[{index}]",
            "label": true,
            "predicted": guess,
            "rank": int(true != guess),
            "true_score": 0.1,
        }
        for index, (true, guess) in enumerate(answers)
    ]
    right = sum(true == guess for true, guess in answers)
    per_class = [{"label": labels[0], "index": 0, "images": 10, "top1": 0.8, "top5": 1.0}]
    evaluation = {
        "artifact": name,
        "task": "classify",
        "data": data,
        "per_class": per_class,
        "top1": right / len(answers),
        "top1_interval": [0.25, 0.75],
    }
    named = {str(index): label for index, label in enumerate(labels)}
    header = {"task": "classify", "data": data, "labels": named}
    return Results(name, evaluation=evaluation, header=header, answers=rows)


def text_of(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page.partition("</style>")[2]))


def test_accuracy_intervals_and_confusion():
    page = render([classified("a.pte", [(0, 0), (0, 1), (1, 1), (1, 0)])])
    text = text_of(page)
    assert "top-1 50.00 % (25.00 % to 75.00 %)" in text
    # Wilson's interval of 8 of 10 (https://en.wikipedia.org/wiki/Binomial_proportion_confidence_interval)
    assert "cat 10 80.00 % 49.02 % to 94.33 %" in text
    assert text.count("instead of cat") == 1


def test_names_are_text():
    page = render([classified(HOSTILE, [(0, 1)]), classified("b.pte", [(0, 0)])])
    assert page.count("<script>") == 1
    assert "&lt;script&gt;alert(1)" in page


def test_the_page_loads_nothing():
    page = render([classified("a.pte", [(0, 1)])])
    assert not re.search(r"""(?:src|href)=["'](?!data:)|@import|url\(""", page)


def test_changed_answers():
    one = classified("a.pte", [(0, 0), (0, 1), (1, 1)])
    two = classified("b.pte", [(0, 0), (0, 0), (1, 1)])
    assert "a.pte and b.pte classify 1 images differently" in text_of(render([one, two]))


def test_only_shown_images_are_in_the_page(tmp_path):
    data = tmp_path / "set.npz"
    noise = np.random.default_rng(0).integers(0, 256, (50, 224, 224, 3), np.uint8)
    np.savez(data, images=noise)
    wrong = [(0, 1)] * 50
    page = render([classified("a.pte", wrong, str(data))])
    assert page.count("data:image/jpeg") == SHOWN
    many = classified("a.pte", wrong * 1000, str(data))
    assert len(render([many])) < 10 * 2**20


def test_parity_and_layers():
    step = {"name": "runtime", "passed": False, "max_rel": 0.0123, "cosine": 0.5}
    output = {"name": "boxes", "max_rel": 0.25, "cosine": 0.75}
    layers = [{"layer": "stem.conv", "sqnr_db": 12.5}, {"layer": "head", "sqnr_db": None}]
    steps = [step, {"name": "lowered", "passed": True, "outputs": [output]}]
    page = render([Results("a.pte", validation={"steps": steps, "layers": layers})])
    assert "runtime 1.23e-02 0.5000000 BREAKS" in text_of(page)
    assert "lowered, boxes 2.50e-01 0.7500000 ok" in text_of(page)
    assert "stem.conv" in page and "12.5 dB" in page and ">head<" not in page


def test_what_is_missing_says_how_to_get_it():
    text = text_of(render([Results("a.pte")]))
    for verb in ("validate", "eval", "bench", "profile"):
        assert f"hvit-edge {verb} a.pte" in text


@pytest.mark.parametrize(
    ("points", "front"),
    [
        ([(1, 0.5), (2, 0.6), (3, 0.55)], [(1, 0.5), (2, 0.6)]),
        ([(2, 0.5), (2, 0.7), (1, 0.7)], [(1, 0.7)]),
    ],
)
def test_the_front_of_pareto(points, front):
    found = best([Point("x", time, accuracy) for time, accuracy in points])
    assert [(each.time, each.accuracy) for each in found] == front
