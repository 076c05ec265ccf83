"""The geometry of the chart, and its file, which needs no other file."""

import re
import xml.etree.ElementTree as ElementTree

import pytest

from hvit_edge.profile.flame_chart import ROOT, UNKNOWN, boxes, render
from hvit_edge.profile.profiling import INSTRUCTIONS, TIME, OperatorCost, Profile


def profile(unit=TIME, outside=1e6):
    operators = (
        OperatorCost("Convolution (NHWC, F32) IGEMM #1", "convolution", "stem.conv", 4e6),
        OperatorCost("Sigmoid (NC) #1", "elementwise", "stem.act", 1e6),
        OperatorCost("Static Reshape (NC) #1", "copies", None, 0.0),
        OperatorCost("Fully Connected (NC, F32) GEMM #1", "gemm", "stem.act", 2e6),
    )
    return Profile("a<b>.pte", "local", unit, 2, 10, 1, 9e6, outside, operators)


def test_neighbours_share_their_module():
    drawn = [(box.label, box.depth, box.start, box.cost) for box in boxes(profile())]
    assert drawn == [
        ("stem", 0, 0, 5e6),
        ("conv", 1, 0, 4e6),
        ("Convolution (NHWC, F32) IGEMM #1", 2, 0, 4e6),
        ("act", 1, 4e6, 1e6),
        ("Sigmoid (NC) #1", 2, 4e6, 1e6),
        (UNKNOWN, 0, 5e6, 0),
        ("Static Reshape (NC) #1", 1, 5e6, 0),
        ("stem", 0, 5e6, 2e6),
        ("act", 1, 5e6, 2e6),
        ("Fully Connected (NC, F32) GEMM #1", 2, 5e6, 2e6),
    ]


def test_a_module_is_not_shared_across_another_parent():
    operators = tuple(OperatorCost("Exp (NC)", "elementwise", m, 1.0) for m in ("a.act", "b.act"))
    drawn = boxes(Profile("a.pte", "local", TIME, 1, 1, 0, 2.0, 0.0, operators))
    assert [(box.path, box.cost) for box in drawn if box.group is None] == [
        ("a", 1.0),
        ("a.act", 1.0),
        ("b", 1.0),
        ("b.act", 1.0),
    ]


def test_the_drawing_is_as_wide_as_the_profile():
    svg = re.search(r"<svg.*</svg>", render(profile()), flags=re.DOTALL)[0]
    tree = ElementTree.fromstring(svg)
    width = float(tree.get("viewBox").split()[2])
    rows = {}
    for rectangle in tree.iter("{http://www.w3.org/2000/svg}rect"):
        rows.setdefault(rectangle.get("y"), []).append(rectangle)
    top = [(float(each.get("x")), float(each.get("width"))) for each in rows["0"]]
    assert sum(w for _, w in top) == pytest.approx(width, abs=0.1)
    # 4 + 1 of 8 million are the stem, the last million is outside.
    assert top[0] == pytest.approx((0, width * 5 / 8), abs=0.1)
    assert top[-1] == pytest.approx((width * 7 / 8, width / 8), abs=0.1)


def test_the_file_needs_nothing_else():
    page = render(profile())
    assert page.count("<script>") == 1 and "http" not in page.replace("http://www.w3.org", "")
    assert not re.search(r"(?:src|href)=|@import|url\(", page)
    assert "a<b>" not in page and "a&lt;b&gt;.pte" in page
    assert "4.000 ms" in page and "50.00%" in page and UNKNOWN in page


def test_root_and_unknown_modules_have_names():
    operators = tuple(OperatorCost("Pad", "copies", module, 1.0) for module in ("", None))
    drawn = boxes(Profile("a.pte", "local", TIME, 1, 1, 0, 2.0, 0.0, operators))
    assert [box.label for box in drawn] == [ROOT, "Pad", UNKNOWN, "Pad"]


def test_a_hostile_name_stays_text():
    hostile = OperatorCost('"><script>alert(1)</script>', "other", "a.'\"><b>", 1.0)
    page = render(Profile("a.pte", "local", TIME, 1, 1, 0, 2.0, 0.0, (hostile,)))
    assert "<b>" not in page and page.count("<script>") == 1


def test_instructions():
    page = render(profile(INSTRUCTIONS, outside=0))
    assert "4.000 M instructions" in page and "outside of operators" not in page
