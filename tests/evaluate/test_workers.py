"""How workers end; test_accuracy.py tests what they compute."""

from types import SimpleNamespace

import numpy as np

from hvit_edge.datasets import ImageSet
from hvit_edge.devices import DeviceClassifier
from hvit_edge.errors import InputError
from hvit_edge.evaluate.workers import Workers


def test_a_batch_that_is_left_stops_after_its_image():
    seen = []

    def logits(index):
        seen.append(index)
        # The second batch runs until the block is left.
        assert index == 0 or pool._stop.wait(60)
        return np.zeros((1, 2), np.float32)

    images = ImageSet("data", [str(i) for i in range(9)], [0] * 9, read=lambda index: index)
    with Workers([SimpleNamespace(logits=logits)], images, None) as pool:
        (first,) = next(pool.run([range(0, 1), range(1, 5), range(5, 9)]))
    assert (first.index, first.rank, first.predicted) == (0, 0, 0)
    assert seen in ([0], [0, 1])


class Fake(DeviceClassifier):
    """A device that returns the number of the photo as its class, and may be cancelled."""

    def __init__(self):
        self.asked, self.cancelled = [], False

    def logits_of(self, images):
        self.asked.append(list(images))
        return [np.eye(1, 9, k=index) for index in self.asked[-1]]

    def cancel(self):
        self.cancelled = True


def test_a_device_is_asked_once_for_a_batch():
    def read(index):
        if index == 1:
            raise InputError("[load_image] torn")
        return index

    images = ImageSet("data", [str(i) for i in range(4)], [0, 0, 0, 3], read=read)
    device = Fake()
    with Workers([device], images, eager=lambda image: np.eye(1, 9, k=image)) as pool:
        assert not device.cancelled
        (outcomes,) = pool.run([range(4)])
    assert device.asked == [[0, 2, 3]]
    assert [o.index for o in outcomes] == [0, 1, 2, 3]
    assert [o.predicted for o in outcomes] == [0, None, 2, 3]
    assert [o.rank for o in outcomes] == [0, None, 1, 0]
    assert "torn" in outcomes[1].skipped
    assert device.cancelled
