"""Check how the pictures of docs/tasks.md are put together."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SCRIPT = Path(__file__).parents[2] / "tools" / "draw_tasks.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("draw_tasks", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_pictures_in_a_row(script):
    red, blue = Image.new("RGB", (30, 20), "red"), Image.new("RGB", (10, 20), "blue")
    row = script.in_a_row([red, blue])
    assert row.size == (30 + script.GAP + 10, 20)
    assert row.getpixel((0, 0)) == (255, 0, 0)
    assert row.getpixel((30, 0)) == (255, 255, 255)
    assert row.getpixel((30 + script.GAP, 0)) == (0, 0, 255)


def test_pictures_side_by_side_have_one_height(script):
    row = script.side_by_side([Image.new("RGB", (40, 20), "red"), Image.new("RGB", (10, 10))])
    assert row.size == (20 + script.GAP + 10, 10)


def test_the_most_similar_photo_is_first(script):
    """The vector of a photo is its mean color, as a unit vector."""
    photos = [Image.new("RGB", (80, 60), color) for color in ("red", "blue", "lime")]

    def embed(photo):
        mean = np.asarray(photo, np.float32).mean((0, 1))
        return mean / np.linalg.norm(mean)

    vectors = np.stack([embed(photo) for photo in photos])
    row = script.similar(embed, photos[1], photos, vectors)
    middle = [(script.TILE + script.GAP) * place + script.TILE // 2 for place in range(4)]
    colors = [row.getpixel((x, script.TILE // 2)) for x in middle]
    assert colors[0] == colors[1] == (0, 0, 255)
    assert sorted(colors[2:]) == [(0, 255, 0), (255, 0, 0)]


def test_every_task_has_a_model(script):
    assert script.TASKS.keys() == script.MODELS.keys() == script.WEIGHTS.keys()
