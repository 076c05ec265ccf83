"""Check the shapes of DeepLabV3's outputs, and its widths."""

from __future__ import annotations

import pytest
import torch

from hvit_edge.models.deeplab import DeepLabMobileViT
from hvit_edge.models.mobilevit import XXS


@pytest.mark.parametrize("size", [(32, 32), (96, 64)])
def test_narrow_pyramid(size):
    model = DeepLabMobileViT(XXS, num_classes=3, channels=16).eval()
    logits = model(torch.rand(2, 3, *size))
    assert logits.shape == (2, 3, size[0] // 16, size[1] // 16)
    pyramid = [p.numel() for p in model.pyramid.parameters() if p.ndim == 4]
    assert sum(pyramid) == 16 * (80 + 3 * 9 * 80 + 80 + 5 * 16)


@pytest.mark.parametrize(("channels", "millions"), [({}, 1.85), ({"channels": 64}, 1.10)])
def test_widths(channels, millions):
    with torch.device("meta"):
        model = DeepLabMobileViT(XXS, **channels)
    assert sum(p.numel() for p in model.parameters()) / 1e6 == pytest.approx(millions, abs=0.01)
