"""Check which shapes, labels, colors and numbers the tasks accept."""

import math

import numpy as np
import pytest

from hvit_edge.errors import InputError
from hvit_edge.tasks import Classify, Detect, Embed, Segment, colors_of, palette_color

ANCHORS = np.full((3, 4), 0.5, np.float32)


@pytest.mark.parametrize(
    ("task", "shapes"),
    [
        (Classify(), [(1, 10)]),
        (Embed(), [(1, 1)]),
        (Embed("none"), [(1, 320)]),
        (Segment(), [(1, 2, 1, 1)]),
        (Segment(("#000000", "#ffffff", "#ff0000")), [(1, 3, 8, 4)]),
        (Detect(ANCHORS), [(1, 3, 2), (1, 3, 4)]),
    ],
)
def test_outputs_of_a_task(task, shapes):
    task.check_outputs(shapes, "compile")


@pytest.mark.parametrize(
    ("task", "shapes", "message"),
    [
        (Classify(), [(1, 2, 8, 8)], r"expected logits \[1, classes\], got \[1, 2, 8, 8\]"),
        (Embed(), [(1, 80, 8, 8)], r"expected a vector \[1, D\] .* pool the features"),
        (Embed(), [(1, 4), (1, 4)], r"got \[1, 4\], \[1, 4\]"),
        (Segment(), [(1, 10)], r"expected logits \[1, C, h, w\] .*, got \[1, 10\]"),
        (Segment(), [(1, 1, 8, 8)], "of 2 or more classes"),
        (Segment(), [(2, 3, 8, 8)], r"got \[2, 3, 8, 8\]"),
        (Segment(("#000000",)), [(1, 2, 8, 8)], "colors: expected 2, one per class, got 1"),
        (Detect(ANCHORS), [(1, 4, 2), (1, 4, 4)], "anchors: expected 4, .* got 3"),
        (Detect(ANCHORS), [(1, 3, 2), (1, 4, 4)], "return both, in this order"),
        (Detect(ANCHORS), [(1, 3, 4), (1, 3, 2)], "return both, in this order"),
        (Detect(ANCHORS), [(1, 3, 1), (1, 3, 4)], "background as class 0"),
        (Detect(ANCHORS), [(1, 3, 2)], "task detect"),
        (Detect(ANCHORS), [], "got no tensor"),
    ],
)
def test_other_outputs_are_refused(task, shapes, message):
    with pytest.raises(InputError, match=r"\[compile\] .*" + message):
        task.check_outputs(shapes, "compile")


@pytest.mark.parametrize(
    ("task", "shapes", "count"),
    [
        (Classify(), [(1, 10)], 10),
        (Segment(), [(1, 21, 8, 8)], 21),
        (Detect(ANCHORS), [(1, 3, 81), (1, 3, 4)], 80),
    ],
)
def test_labels_are_as_many_as_classes(task, shapes, count):
    task.check_labels((), shapes, "compile")
    task.check_labels([str(index) for index in range(count)], shapes, "compile")
    with pytest.raises(InputError, match=rf"labels: expected {count}, one per class.*, got 1;"):
        task.check_labels(["a"], shapes, "compile")
    with pytest.raises(InputError, match="no line breaks inside a label"):
        task.check_labels(["a\nb"] * count, shapes, "compile")


def test_embeddings_have_no_labels():
    Embed().check_labels((), [(1, 8)], "compile")
    with pytest.raises(InputError, match="labels: expected none with the task embed, got 2"):
        Embed().check_labels(["a", "b"], [(1, 8)], "compile")


def test_normalization_has_a_name():
    with pytest.raises(
        InputError, match=r"\[Embed\] normalize: expected one of l2, none, got 'l1'"
    ):
        Embed("l1")


def test_colors_are_written_as_text():
    assert Segment(["#ABCDEF", (0, 128, np.uint8(255))]).colors == ("#abcdef", "#0080ff")


@pytest.mark.parametrize("color", ["red", "#12345", "#12345g", (1, 2), (1, 2, 256), (1, 2, "3"), 7])
def test_other_colors_are_refused(color):
    with pytest.raises(InputError, match=r"\[Segment\] colors: expected '#rrggbb' .* class 1, got"):
        Segment(["#000000", color])


def test_a_text_is_not_a_list_of_colors():
    with pytest.raises(InputError, match="expected one for each class, got the text"):
        Segment("#000000")


@pytest.mark.parametrize("colors", [None, 7])
def test_colors_are_a_list(colors):
    with pytest.raises(InputError, match=rf"\[Segment\] colors: expected a list .* got {colors}"):
        Segment(colors)


def test_the_palette_is_that_of_pascal_voc():
    """The first entries, and some later ones, are those of the palette in VOC's label maps."""
    first = ["#000000", "#800000", "#008000", "#808000", "#000080", "#800080", "#008080"]
    assert [palette_color(index) for index in range(7)] == first
    assert palette_color(8) == "#400000" and palette_color(15) == "#c08080"
    assert palette_color(20) == "#004080" and palette_color(255) == "#e0e0c0"
    assert len({palette_color(index) for index in range(256)}) == 256
    assert colors_of(2) == ("#000000", "#800000")
    assert colors_of(2, ("#111111", "#222222")) == ("#111111", "#222222")


def test_anchors_are_a_copy_that_cannot_be_written():
    given = np.full((2, 4), 0.5)
    spec = Detect(given)
    given[:] = 0
    assert spec.anchors.dtype == np.float32 and (spec.anchors == 0.5).all()
    with pytest.raises(ValueError, match="read-only"):
        spec.anchors[0] = 0


class WithGradient:
    """Refuses numpy as a parameter of PyTorch does."""

    def __array__(self, *args, **options):
        raise RuntimeError("Can't call numpy() on Tensor that requires grad.")


def test_equal_detectors_are_equal():
    assert Detect(ANCHORS) == Detect(ANCHORS.tolist())
    assert hash(Detect(ANCHORS)) == hash(Detect(ANCHORS.tolist()))
    assert Detect(ANCHORS) != Detect(ANCHORS, score_threshold=0.5)
    assert Detect(ANCHORS) != Detect(ANCHORS * 0.5)
    assert Detect(ANCHORS) != "detect"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"anchors": np.zeros((0, 4))}, r"anchors: expected numbers \[A, 4\], got \[0, 4\]"),
        ({"anchors": np.ones((2, 3))}, r"got \[2, 3\]"),
        ({"anchors": WithGradient()}, "anchors: expected numbers"),
        ({"anchors": "many"}, "anchors: expected numbers"),
        ({"anchors": [[0.5, 0.5, 0.0, 0.5]]}, "widths and heights above 0"),
        ({"anchors": [[math.nan, 0.5, 0.5, 0.5]]}, "expected finite numbers"),
        ({"variances": (0.1,)}, r"variances: expected 2 numbers above 0, got \(0.1,\)"),
        ({"variances": (0.1, 0)}, "variances"),
        ({"variances": (0.1, math.inf)}, "variances"),
        ({"score_threshold": 1.5}, "score_threshold: expected a number from 0 to 1, got 1.5"),
        ({"iou_threshold": -0.1}, "iou_threshold: expected a number from 0 to 1, got -0.1"),
        ({"candidates": 0}, "candidates: expected a whole number from 1 to 16384, got 0"),
        ({"candidates": 16385}, "candidates: expected a whole number from 1 to 16384, got 16385"),
        (
            {"max_detections": 1 << 21},
            "max_detections: expected a whole number from 1 to 1048576, got 2097152",
        ),
        ({"max_detections": 2.5}, "max_detections: expected a whole number from 1 to .*, got 2.5"),
    ],
)
def test_impossible_numbers_are_refused(fields, message):
    with pytest.raises(InputError, match=rf"\[Detect\].*{message}"):
        Detect(**{"anchors": ANCHORS, **fields})


def test_small_variances_are_read_as_in_cpp():
    assert Detect(ANCHORS, variances=(1e-7, 1)).variances == (1e-7, 1.0)


def test_every_fault_is_listed():
    with pytest.raises(InputError, match="anchors: .*; variances: .*; candidates: "):
        Detect([], variances=(1, 2, 3), candidates=True)


def test_answers_agree_up_to_a_hundredth_of_their_elements():
    logits = np.random.default_rng(0).standard_normal((1, 3, 10, 20)).astype(np.float32)
    few, many = logits.copy(), logits.copy()
    few[..., 0, :2] *= -1  # 2 of 200 elements
    many[..., 0, :3] *= -1
    assert Segment().agrees([logits], [logits + 1])
    assert Segment().agrees([logits], [few]) and not Segment().agrees([logits], [many])
    rows = [array.reshape(1, 3, 200).transpose(0, 2, 1) for array in (logits, few, many)]
    boxes = Detect(np.full((200, 4), 0.5))
    assert boxes.agrees(rows[:1], rows[1:2]) and not boxes.agrees(rows[:1], rows[2:])
    assert Classify().agrees([rows[0][0]], [rows[0][0] * 2])
    assert not Classify().agrees([rows[0][0]], [rows[1][0]])


@pytest.mark.parametrize(("degrees", "agree"), [(0, True), (8, True), (8.2, False), (180, False)])
def test_embeddings_agree_if_they_point_the_same_way(degrees, agree):
    """The cosine of 8.1 degrees is 0.99."""
    angle = math.radians(degrees)
    one, other = np.array([[2.0, 0.0]]), np.array([[math.cos(angle), math.sin(angle)]])
    assert Embed().agrees([one], [other]) is agree
