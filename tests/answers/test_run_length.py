"""Run lengths are those of pycocotools, character by character."""

import numpy as np
import pycocotools.mask
import pytest

from hvit_edge.answers import run_length


def masks():
    random = np.random.default_rng(6)
    yield np.zeros((3, 4), bool)
    yield np.ones((3, 4), bool)
    yield np.ones((1, 1), bool)
    yield np.zeros((5, 0), bool)
    yield np.eye(40, dtype=bool)
    yield np.arange(3000 * 7).reshape(3000, 7) > 9001
    for size in ((1, 50), (50, 1), (37, 61)):
        for share in (0.02, 0.5, 0.98):
            yield random.random(size) < share


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("mask", list(masks()), ids=lambda mask: str(mask.shape))
def test_the_text_is_that_of_pycocotools(mask):
    written = run_length(mask)
    if mask.size:
        expected = pycocotools.mask.encode(np.asfortranarray(mask, np.uint8))
        assert written["counts"] == expected["counts"].decode()
    assert written["size"] == list(mask.shape)
    assert np.array_equal(pycocotools.mask.decode(written), mask)
