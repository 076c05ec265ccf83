"""Draw the pictures of docs/tasks.md and README.md, from answers of the C++ runtime.

    python tools/draw_tasks.py

It compiles the bundled models for the target native and writes `docs/pictures/*.jpg`: one picture
of each task, and `tasks.jpg` with a class, a mask and boxes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

import hvit_edge
from hvit_edge.drawing import DrawnBox, draw_boxes, draw_mask
from hvit_edge.images.load_image import load_image
from hvit_edge.tasks import palette_color
from hvit_edge.weights.bundled import ASSETS, bundled_photos

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"
SCENE = ASSETS / "shapes.jpg"
CAT = ASSETS / "photos" / "chelsea.jpg"
SURE = 0.3  # least score of a drawn box, as in `hvit-edge run`
GAP = 12
TILE = 180  # side of a photo in the picture of embeddings
FONT_SIZE = 18


def main() -> None:
    """Compile the models and write the pictures."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        drawn = {name: draw(compiled(name, Path(folder))) for name, draw in TASKS.items()}
    drawn["tasks"] = side_by_side([drawn[name] for name in ("classify", "segment", "detect")])
    del drawn["classify"]  # only in the picture of all
    for name, picture in drawn.items():
        picture.save(PICTURES / f"{name}.jpg", quality=85, optimize=True)


def classes(path: Path) -> Image.Image:
    """Draw the most probable class over a photo of a cat."""
    best = hvit_edge.Classifier(path)(CAT)[0]
    photo = load_image(CAT)
    height, width = photo.shape[:2]
    label = f"{best.label} {best.score:.2f}"
    return draw_boxes(photo, [DrawnBox(0, 0, width, height, label, palette_color(1))])


def embeddings(path: Path) -> Image.Image:
    """Draw a part of each photo, and the photos in the order of their similarity to it."""
    embed = hvit_edge.Embedder(path)
    photos = [Image.open(one).convert("RGB") for one in bundled_photos()]
    vectors = np.stack([embed(photo) for photo in photos])
    rows = [similar(embed, photo, photos, vectors) for photo in photos]
    picture = Image.new("RGB", (rows[0].width, sum(row.height + GAP for row in rows)), "white")
    for number, row in enumerate(rows):
        picture.paste(row, (0, number * (row.height + GAP)))
    return picture


def similar(
    embed: Callable[[Image.Image], np.ndarray],
    photo: Image.Image,
    photos: list[Image.Image],
    vectors: np.ndarray,
) -> Image.Image:
    """Draw a mirrored part of `photo` and all photos, the most similar one first."""
    width, height = photo.size
    part = photo.crop((width // 8, height // 8, width - width // 8, height - height // 8))
    part = part.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    cosines = vectors @ embed(part)
    order = np.argsort(-cosines)
    tiles = [tile(part, "query"), *(tile(photos[i], f"{cosines[i]:.3f}") for i in order)]
    return in_a_row(tiles)


def tile(photo: Image.Image, caption: str) -> Image.Image:
    """Return the center of a photo with a caption below it."""
    side = min(photo.size)
    left, top = (photo.width - side) // 2, (photo.height - side) // 2
    center = photo.crop((left, top, left + side, top + side)).resize((TILE, TILE))
    picture = Image.new("RGB", (TILE, TILE + FONT_SIZE + 8), "white")
    picture.paste(center)
    font = ImageFont.load_default(FONT_SIZE)
    ImageDraw.Draw(picture).text((4, TILE + 3), caption, fill="black", font=font)
    return picture


def mask(path: Path) -> Image.Image:
    """Draw the mask of the bundled scene."""
    found = hvit_edge.Segmenter(path)(SCENE)
    return draw_mask(load_image(SCENE), found.classes, found.colors, found.labels)


def boxes(path: Path) -> Image.Image:
    """Draw the boxes in the bundled scene."""
    found = hvit_edge.Detector(path)(SCENE, score_threshold=SURE)
    drawn = [
        DrawnBox(
            one.x,
            one.y,
            one.width,
            one.height,
            f"{one.label} {one.score:.2f}",
            palette_color(one.index),
        )
        for one in found
    ]
    return draw_boxes(load_image(SCENE), drawn)


TASKS = {"classify": classes, "embed": embeddings, "segment": mask, "detect": boxes}


MODELS = {
    "classify": "mobilevit_xxs",
    "embed": "mobilevit_xxs",
    "segment": "deeplabv3_mobilevit_xxs_slim",
    "detect": "ssdlite_mobilevit_xxs",
}
WEIGHTS = {"classify": "cifar10", "embed": "cifar10", "segment": "shapes", "detect": "shapes"}


def compiled(task: str, folder: Path) -> Path:
    """Write an artifact of the target native, and return its path."""
    path = folder / f"{task}.pte"
    options = {"weights": WEIGHTS[task], "task": task, "target": "native", "output": path}
    hvit_edge.compile(MODELS[task], **options)
    return path


def side_by_side(pictures: list[Image.Image]) -> Image.Image:
    """Return pictures next to each other, scaled to the height of the lowest one."""
    height = min(one.height for one in pictures)
    sizes = [(round(one.width * height / one.height), height) for one in pictures]
    return in_a_row([one.resize(size) for one, size in zip(pictures, sizes, strict=True)])


def in_a_row(pictures: list[Image.Image]) -> Image.Image:
    """Return pictures of one height next to each other."""
    width = sum(one.width + GAP for one in pictures) - GAP
    whole = Image.new("RGB", (width, pictures[0].height), "white")
    x = 0
    for one in pictures:
        whole.paste(one, (x, 0))
        x += one.width + GAP
    return whole


if __name__ == "__main__":
    main()
