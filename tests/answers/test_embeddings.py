"""Embeddings have the length 1, or stay as they are."""

import numpy as np
import pytest

from hvit_edge.answers import normalized
from hvit_edge.errors import ParityError


def test_normalization_by_hand():
    features = np.array([[3, 0, -4]], np.float32)
    assert normalized(features, "l2").tolist() == pytest.approx([0.6, 0, -0.8])
    assert normalized(features, "none").tolist() == [3, 0, -4]
    assert normalized(features * 0, "l2").tolist() == [0, 0, 0]
    short = np.full((1, 4), 1e-14)  # torch.nn.functional.normalize divides it by 1e-12
    assert normalized(short, "l2").tolist() == pytest.approx([0.01] * 4)
    assert normalized(features, "l2").dtype == np.float32
    with pytest.raises(ParityError, match="finite outputs"):
        normalized(features * np.nan, "l2")
