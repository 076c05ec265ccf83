import numpy as np
import pytest
import torch

from hvit_edge.coreml.features import Feature
from hvit_edge.coreml.feed import feed
from hvit_edge.errors import InputError

TENSOR = Feature("x", (1, None, 4), "float16")
IMAGE = Feature("photo", (1, 3, 2, 5), "float32", "image", "RGB")


@pytest.mark.parametrize("order", ["C", "F"])
def test_tensors_are_copied_whatever_their_strides(order):
    array = np.asarray(np.arange(24, dtype=np.float16).reshape(1, 6, 4), order=order)
    array.setflags(write=False)
    tensor = feed((TENSOR,), {"x": array})["x"]
    assert tensor.dtype is torch.float16
    assert tensor.is_contiguous()
    assert np.array_equal(tensor.numpy(), array)
    assert not np.shares_memory(tensor.numpy(), array)


@pytest.mark.parametrize("layout", ["RGB", "BGR"])
def test_images_become_channels_first_in_the_recorded_order(layout):
    pixels = np.random.default_rng(0).integers(0, 256, (2, 5, 3)).astype(np.uint8)
    feature = Feature("photo", (1, 3, 2, 5), "float32", "image", layout)
    tensor = feed((feature,), {"photo": pixels})["photo"]
    assert tensor.dtype is torch.float32
    order = layout.replace("R", "0").replace("G", "1").replace("B", "2")
    for place, channel in enumerate(order):
        assert np.array_equal(tensor[0, place], pixels[..., int(channel)])


@pytest.mark.parametrize(
    "array, got",
    [
        (np.zeros((1, 2, 4), np.float32), r"x float32\[1,2,4\]"),
        (np.zeros((1, 2, 5), np.float16), r"x float16\[1,2,5\]"),
        (np.zeros((2, 4), np.float16), r"x float16\[2,4\]"),
        ([[1.0]], "x is a list, not a numpy array"),
    ],
)
def test_wrong_tensors_are_refused(array, got):
    with pytest.raises(InputError, match=rf"expected x float16\[1,\?,4\], got {got}"):
        feed((TENSOR,), {"x": array})


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((2, 5, 3), np.float32),
        np.zeros((3, 2, 5), np.uint8),
        np.zeros((2, 4, 3), np.uint8),
        np.zeros((1, 2, 5, 3), np.uint8),
    ],
)
def test_wrong_images_are_refused(pixels):
    with pytest.raises(InputError, match=r"expected photo uint8\[2,5,3\], got photo "):
        feed((IMAGE,), {"photo": pixels})


def test_all_faults_are_listed():
    with pytest.raises(InputError) as caught:
        feed((TENSOR, IMAGE), {"y": np.zeros(1), "x": np.zeros(1)})
    for fault in ("unexpected y", "no photo", "x float64[1]"):
        assert fault in str(caught.value)
