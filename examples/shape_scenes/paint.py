"""Paint backgrounds, clutter and textures; colors are float32 from 0 to 255."""

from __future__ import annotations

from functools import cache

import numpy as np
from PIL import Image, ImageDraw

from hvit_edge.images.load_image import load_image
from hvit_edge.weights.bundled import bundled_photos

Random = np.random.Generator


@cache
def photos() -> tuple[Image.Image, ...]:
    """Return the photos that ship with hvit-edge."""
    return tuple(Image.fromarray(load_image(path)) for path in bundled_photos())


def background(random: Random, height: int, width: int) -> np.ndarray:
    """Return a random part of a photo, with lines and arcs over it: float32 [height, width, 3]."""
    photo = photos()[random.integers(len(photos()))]
    share = random.uniform(0.35, 1.0)
    scale = share * min(photo.width / width, photo.height / height)
    left = random.uniform(0, photo.width - scale * width)
    top = random.uniform(0, photo.height - scale * height)
    box = (left, top, left + scale * width, top + scale * height)
    part = photo.resize((width, height), Image.Resampling.BILINEAR, box=box)
    if random.random() < 0.5:
        part = part.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    add_clutter(random, part)
    return np.asarray(part, np.float32)


def add_clutter(random: Random, image: Image.Image) -> None:
    """Draw up to six thin lines and arcs, which belong to the background."""
    pen = ImageDraw.Draw(image)
    unit = min(image.size)
    for _ in range(random.integers(7)):
        color = tuple(int(value) for value in random.integers(256, size=3))
        thickness = max(1, round(unit * random.uniform(0.005, 0.02)))
        x, y = random.uniform(0, image.width), random.uniform(0, image.height)
        length, angle = unit * random.uniform(0.2, 0.7), random.uniform(0, 360)
        if random.random() < 0.5:
            step = length * np.exp(1j * np.radians(angle))
            pen.line((x, y, x + step.real, y + step.imag), fill=color, width=thickness)
        else:
            box = (x - length / 2, y - length / 2, x + length / 2, y + length / 2)
            end = angle + random.uniform(30, 120)
            pen.arc(box, angle, end, fill=color, width=thickness)


def texture(random: Random, side: int, color: np.ndarray) -> np.ndarray:
    """Return a shaded surface of `color` [3]: plain, striped, checked or speckled.

    Returns:
        float32 [side, side, 3], which may leave the range 0 to 255.
    """
    second = np.clip(color + random.uniform(-70, 70, 3), 0, 255)
    angle, period = random.uniform(0, np.pi), side * random.uniform(0.08, 0.25)
    y, x = np.mgrid[:side, :side]
    along = (x * np.cos(angle) + y * np.sin(angle)).astype(np.float32)
    across = (y * np.cos(angle) - x * np.sin(angle)).astype(np.float32)
    kind = random.integers(4)
    if kind == 0:
        mixed = np.zeros((side, side), np.float32)
    elif kind == 1:
        mixed = (np.sin(2 * np.pi / period * along) > 0).astype(np.float32)
    elif kind == 2:
        waves = np.sin(np.pi / period * along) * np.sin(np.pi / period * across)
        mixed = (waves > 0).astype(np.float32)
    else:
        mixed = random.random((side, side), np.float32)
    surface = color + mixed[..., None] * (second - color)
    light = 1 + random.uniform(-0.4, 0.4) * (across / side)
    return (surface * light[..., None]).astype(np.float32)


def change_colors(random: Random, image: np.ndarray) -> np.ndarray:
    """Return uint8 [height, width, 3]: other gains and brightness, and noise."""
    gains = random.uniform(0.8, 1.2, 3) * random.uniform(0.8, 1.15)
    noise = random.standard_normal(image.shape, np.float32) * random.uniform(0, 7)
    changed = image * gains.astype(np.float32) + np.float32(random.uniform(-12, 12)) + noise
    return np.clip(changed + 0.5, 0, 255).astype(np.uint8)
