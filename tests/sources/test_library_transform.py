"""Preprocessings from configs make the same pixels as timm and transformers."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from hvit_edge.preprocess import Preprocess
from hvit_edge.sources import hf_model
from hvit_edge.sources.library_transform import matching, probes
from hvit_edge.weights import timm

GOLDENS = Path(__file__).parents[1] / "goldens"
FOUND = json.loads((GOLDENS / "transforms.json").read_text())
SIZES = ((61, 97), (103, 70))


def photo(height, width):
    """As in tests/goldens/make_transforms.py."""
    rows, columns = np.mgrid[0:height, 0:width]
    ramp = np.stack([2 * rows, 2 * columns, rows + columns], 2)
    noise = np.random.default_rng(height * width).integers(0, 40, (height, width, 3))
    return np.clip(ramp + noise, 0, 255).astype(np.uint8)


def digests(spec):
    made = (spec.resize_and_crop(photo(*size)) for size in SIZES)
    ordered = (pixels[:, :, ::-1] if spec.channel_order == "BGR" else pixels for pixels in made)
    return [hashlib.sha256(np.ascontiguousarray(p).tobytes()).hexdigest() for p in ordered]


@pytest.mark.parametrize("golden", FOUND["timm"], ids=lambda golden: golden["name"])
def test_configs_of_timm(golden):
    config = golden["config"]
    spec = timm.read_preprocess(config)
    assert digests(spec) == golden["pixels"]
    assert (list(spec.mean), list(spec.std)) == (config["mean"], config["std"])


@pytest.mark.parametrize("golden", FOUND["transformers"], ids=lambda golden: golden["name"])
def test_processors_of_transformers(golden):
    settings = golden["config"]

    def run(image):
        return np.zeros((3, *golden["size"]), np.float32)

    candidates = hf_model._candidates(None, settings, run)
    found = [spec for spec in candidates if digests(spec) == golden["pixels"]]
    assert found
    if settings.get("do_normalize"):
        assert list(found[0].mean) == settings["image_mean"]
    assert found[0].channel_order == ("BGR" if golden["name"].startswith("MobileViT") else "RGB")


def test_a_transform_is_matched_by_its_pixels_alone():
    wanted = Preprocess((32, 32), "shortest-floor", 36, "bilinear", (0.1,) * 3, (0.3,) * 3)
    others = [
        Preprocess((32, 32), "shortest-floor", 37, "bilinear", (0.1,) * 3, (0.3,) * 3),
        Preprocess((32, 32), "shortest-floor", 36, "bicubic", (0.1,) * 3, (0.3,) * 3),
        Preprocess((32, 32), "stretch", 36, "bilinear", (0.1,) * 3, (0.3,) * 3),
        Preprocess((36, 32), "shortest-floor", 36, "bilinear", (0.1,) * 3, (0.3,) * 3),
    ]
    assert matching([*others, wanted], lambda image: wanted(image)[0]) == wanted
    assert matching(others, lambda image: wanted(image)[0]) is None
    wide, high = probes()
    assert wide.shape[0] < wide.shape[1] and high.shape == (wide.shape[1], wide.shape[0], 3)
