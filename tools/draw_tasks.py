"""Draw the pictures of README and docs/tasks.md, from answers of the C++ runtime.

    python tools/draw_tasks.py

It compiles the bundled models for the target native and writes `docs/pictures/*.jpg`: one picture
of each task, and `tasks.jpg` with a class, a mask and boxes next to each other.
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
CAT, SCENE = ASSETS / "photos" / "chelsea.jpg", ASSETS / "shapes.jpg"
SURE = 0.4  # least score of a drawn box
PANEL = 400  # height of the panels of tasks.jpg, in pixels
GAP = 12
TILE = 180  # side of a photo in the picture of embeddings
FONT_SIZE = 18
BAR_COLOR = (31, 119, 180)


def main() -> None:
    """Compile the models and write the pictures."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        drawn = {name: draw(Path(folder) / f"{name}.pte") for name, draw in TASKS.items()}
    shown = [drawn.pop("classify"), drawn["segment"], drawn["detect"]]
    drawn["tasks"] = in_a_row([scaled(one) for one in shown])
    for name, picture in drawn.items():
        picture.save(PICTURES / f"{name}.jpg", quality=85, optimize=True)


def classes(path: Path) -> Image.Image:
    """Draw a photo with the three most probable classes below it."""
    compiled("mobilevit_xxs", "cifar10", path)
    photo = Image.fromarray(load_image(CAT)).resize((360, 360), Image.Resampling.LANCZOS)
    found = hvit_edge.Classifier(path)(CAT, top_k=3)
    line = 2 * FONT_SIZE
    picture = Image.new("RGB", (photo.width, photo.height + 3 * line), "white")
    picture.paste(photo)
    pen = ImageDraw.Draw(picture)
    for row, one in enumerate(found):
        top = photo.height + row * line
        pen.rectangle((0, top + 4, one.score * photo.width, top + line - 4), fill=BAR_COLOR)
        text(pen, (8, top + 7), f"{one.label} {one.score:.2f}", outlined=True)
    return picture


def embeddings(path: Path) -> Image.Image:
    """Draw a part of each photo, and the photos in the order of their similarity to it."""
    compiled("mobilevit_xxs", "cifar10", path, task="embed")
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
    text(ImageDraw.Draw(picture), (4, TILE + 3), caption)
    return picture


def mask(path: Path) -> Image.Image:
    """Draw the mask of the bundled scene."""
    compiled("deeplabv3_mobilevit_xxs_slim", "shapes", path)
    found = hvit_edge.Segmenter(path)(SCENE)
    return draw_mask(load_image(SCENE), found.classes, found.colors, found.labels)


def boxes(path: Path) -> Image.Image:
    """Draw the boxes in the bundled scene."""
    compiled("ssdlite_mobilevit_xxs", "shapes", path)
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


def compiled(model: str, weights: str, path: Path, **options: str) -> None:
    """Write an artifact of the target native."""
    hvit_edge.compile(model, weights=weights, target="native", output=path, **options)


def scaled(picture: Image.Image) -> Image.Image:
    """Return a picture of the height of a panel."""
    width = round(picture.width * PANEL / picture.height)
    return picture.resize((width, PANEL), Image.Resampling.LANCZOS)


def in_a_row(pictures: list[Image.Image]) -> Image.Image:
    """Return pictures of one height next to each other."""
    width = sum(one.width + GAP for one in pictures) - GAP
    whole = Image.new("RGB", (width, pictures[0].height), "white")
    x = 0
    for one in pictures:
        whole.paste(one, (x, 0))
        x += one.width + GAP
    return whole


def text(
    pen: ImageDraw.ImageDraw, place: tuple[float, float], words: str, *, outlined: bool = False
) -> None:
    """Write words, with a white border if they cross a bar."""
    font = ImageFont.load_default(FONT_SIZE)
    stroke = {"stroke_width": 2, "stroke_fill": "white"} if outlined else {}
    pen.text(place, words, fill="black", font=font, **stroke)


if __name__ == "__main__":
    main()
