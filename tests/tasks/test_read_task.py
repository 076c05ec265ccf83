"""Which tasks a caller can request, by name or with options."""

import numpy as np
import pytest

from hvit_edge.errors import InputError
from hvit_edge.tasks import Classify, Detect, Embed, Segment, given_task, task_name

BOXES = Detect(np.full((2, 4), 0.5))


@pytest.mark.parametrize(
    ("given", "name", "task"),
    [
        ("classify", "classify", Classify()),
        ("embed", "embed", Embed()),
        ("segment", "segment", Segment()),
        (Embed("none"), "embed", Embed("none")),
        (BOXES, "detect", BOXES),
    ],
)
def test_a_task_has_a_name_and_options(given, name, task):
    assert task_name(given, "compile") == name
    assert given_task(given, "compile") == task


def test_no_task_is_to_classify():
    assert task_name(None, "compile") is None
    assert given_task(None, "compile") == Classify()


@pytest.mark.parametrize("given", ["tensor", "depth", "", 3, Embed])
def test_anything_else_is_refused(given):
    with pytest.raises(InputError, match="expected one of classify, embed, segment, detect, or a"):
        task_name(given, "compile")


def test_a_detector_needs_its_anchors():
    with pytest.raises(InputError, match=r"compile it in Python with .*Detect\(anchors=...\)"):
        given_task("detect", "compile")
