"""How workers end; what they compute is tested in test_evaluate.py."""

from types import SimpleNamespace

import numpy as np

from hvit_edge.datasets import ImageSet
from hvit_edge.evaluation_workers import Workers


def test_a_batch_that_is_left_stops_after_its_image():
    seen = []

    def logits(index):
        seen.append(index)
        # The second batch is at work until the block has been left.
        assert index == 0 or pool._stop.wait(60)
        return np.zeros((1, 2), np.float32)

    images = ImageSet("data", [str(i) for i in range(9)], [0] * 9, read=lambda index: index)
    with Workers([SimpleNamespace(logits=logits)], images, None) as pool:
        (first,) = next(pool.run([range(0, 1), range(1, 5), range(5, 9)]))
    assert (first.index, first.rank, first.predicted) == (0, 0, 0)
    assert seen in ([0], [0, 1])
