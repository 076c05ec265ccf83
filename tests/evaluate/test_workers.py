"""How workers end; test_accuracy.py tests what they compute."""

from types import SimpleNamespace

import numpy as np
import pytest

from hvit_edge.datasets import ImageSet
from hvit_edge.devices import DeviceClassifier
from hvit_edge.errors import DeviceError, InputError
from hvit_edge.evaluate.workers import Workers


def test_a_batch_that_is_left_stops_after_its_image():
    seen = []

    def logits(index):
        seen.append(index)
        # The second batch runs until the block is left.
        assert index == 0 or pool._stop.wait(60)
        return np.zeros((1, 2), np.float32)

    images = ImageSet("data", [str(i) for i in range(9)], [0] * 9, read=lambda index: index)
    with Workers([SimpleNamespace(backend="here", logits=logits)], images, None) as pool:
        (first,) = next(pool.run([range(0, 1), range(1, 5), range(5, 9)]))
    assert (first.index, first.rank, first.predicted) == (0, 0, 0)
    assert seen in ([0], [0, 1])


class Fake(DeviceClassifier):
    """A device that returns the number of the photo as its class, and may be cancelled."""

    def __init__(self, name="fake", lost=False):
        self.asked, self.cancelled, self.backend, self.lost = [], False, name, lost

    def logits_of(self, images):
        self.asked.append(list(images))
        if self.lost:
            raise DeviceError(f"[device] {self.backend} went away")
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


def numbered(count):
    names = [str(index) for index in range(count)]
    return ImageSet("data", names, [0] * count, read=lambda index: index)


def test_the_others_repeat_the_batch_of_a_lost_device():
    devices = [Fake("a"), Fake("b", lost=True), Fake("c", lost=True)]
    with Workers(devices, numbered(8), eager=None) as pool:
        outcomes = [
            one for batch in pool.run([range(i, i + 2) for i in range(0, 8, 2)]) for one in batch
        ]
    assert [one.predicted for one in outcomes] == list(range(8))
    assert set(pool.lost) <= {"b", "c"} and len(pool.lost) >= 1
    assert all(len(one.asked) <= 1 for one in devices[1:])
    assert pool.lost.get("b", "[device] b went away") == "[device] b went away"


@pytest.mark.parametrize("names", [("a",), ("a", "a"), ("a", "b")])
def test_the_last_device_is_not_left_out(names):
    devices = [Fake(name, lost=True) for name in names]
    with (
        pytest.raises(DeviceError, match="went away"),
        Workers(devices, numbered(8), eager=None) as pool,
    ):
        list(pool.run([range(i, i + 2) for i in range(0, 8, 2)]))
    assert len(pool.lost) == len(set(names)) - 1
