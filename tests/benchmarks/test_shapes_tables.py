"""Check the tables of the trained segmenter and detector."""

import pytest

MACHINE = {"cpu": "c", "architecture": "a", "cores": 1, "packages": {}, "date": "d"}


@pytest.fixture
def report():
    rows = [
        {"task": "segment", "target": "PyTorch", "precision": "eager", "mean_iou": 0.8125},
        {"task": "segment", "target": "native", "precision": "int8", "mean_iou": 0.8099},
        {"task": "detect", "target": "PyTorch", "precision": "eager", "map": 0.5, "map_50": 0.75},
    ]
    rows[0]["pixels"] = rows[1]["pixels"] = 0.95
    rows[1]["bytes"] = 1_260_000
    return {"machine": MACHINE, "scenes": 7, "results": rows}


def test_losses_are_in_points_of_eager(load, report):
    text = load("tables/shapes.py").accuracy_table("segment", report)
    assert (
        "| target | precision | file | mean IoU | right pixels | mean IoU against eager |" in text
    )
    assert "| PyTorch | eager |  | 81.2 | 95.0 |  |" in text
    assert "| native | int8 | 1.3 MB | 81.0 | 95.0 | -0.26 |" in text
    assert "on 7 scenes; c, a, 1 cores" in text
    assert "detect" not in text and "75.0" not in text


def test_no_difference_is_not_minus_zero(load):
    points = load("tables/shapes.py").points
    assert f"{points(0.49999, 0.5):+.2f}" == "+0.00" == f"{points(0.5, 0.5):+.2f}"


def test_each_task_has_its_measures(load, report):
    text = load("tables/shapes.py").accuracy_table("detect", report)
    assert "| target | precision | file | mAP | mAP at IoU 0.5 | mAP against eager |" in text
    assert "| PyTorch | eager |  | 50.0 | 75.0 |  |" in text
    assert "native" not in text
