"""Embeddings in C++, compared with numpy."""

from __future__ import annotations

import numpy as np
import pytest
from photo_frames import PREPROCESSES, photo

import hvit_edge
from hvit_edge.errors import ArtifactError
from hvit_edge.runtime import Embedder

ROUNDING = 1e-6


def test_the_vector_has_the_length_1(tiny_task):
    embedder = Embedder(tiny_task("embed", preprocess=PREPROCESSES["cropped"]))
    pixels = photo(50, 61)
    [features] = embedder.outputs(pixels)
    assert features.shape == (1, 5)
    vector = embedder(pixels)
    assert vector.dtype == np.float32
    assert vector.shape == (embedder.size,) == (5,)
    wide = features[0].astype(np.float64)
    np.testing.assert_allclose(vector, wide / np.sqrt((wide**2).sum()), rtol=ROUNDING)
    assert embedder.metadata.normalize == "l2"
    assert embedder.metadata.output_names == ("embedding",)
    assert embedder.self_test().passed


def test_a_vector_that_is_not_normalized(tiny_task):
    embedder = Embedder(tiny_task("embed", normalize="none"))
    pixels = photo(50, 61)
    np.testing.assert_array_equal(embedder(pixels), embedder.outputs(pixels)[0][0])


def test_a_result_stays_after_the_next_photo(tiny_task):
    embedder = Embedder(tiny_task("embed"))
    first = embedder(photo(50, 61))
    kept = first.copy()
    assert not np.array_equal(embedder(255 - photo(50, 61)), kept)
    np.testing.assert_array_equal(first, kept)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"normalize": "l1"}, "hve_normalize: expected l2 or none, got 'l1'"),
        ({"normalize": None}, "hve_normalize: missing"),
        ({"labels": "a\nb"}, "hve_labels: expected none for the task embed, got 2"),
        ({"output_names": "features"}, r"expected the output embedding, float32 \[1, any\], got"),
    ],
)
def test_faults_of_the_fields(tiny_task, changes, message):
    with pytest.raises(ArtifactError, match=message):
        Embedder(tiny_task("embed", **changes))


def test_values_that_are_not_finite(tiny_task):
    overflowing = Embedder(tiny_task("embed", std=[3e-39] * 3))
    with pytest.raises(ArtifactError, match="expected finite embedding, got"):
        overflowing(photo(9, 9))


def test_it_is_public():
    assert hvit_edge.Embedder is Embedder
