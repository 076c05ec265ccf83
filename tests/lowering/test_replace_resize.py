import pytest
import torch
from torch.nn.functional import interpolate

from hvit_edge.lowering.replace_resize import replace_bilinear, replace_resize

X = torch.randn(2, 3, 4, 5)


@pytest.mark.parametrize("size", [(8, 10), (4, 15), (12, 5)])
def test_nearest_by_whole_factors(size, rewritten, call):
    after = rewritten(replace_resize, call(lambda x: interpolate(x, size=size)), X, bit_equal=True)
    assert after == {"reshape": 3, "mul": 2}


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("size", [(8, 10), (3, 2), (7, 5), (1, 9)])
def test_bilinear(size, align_corners, rewritten, call):
    def resize(x):
        return interpolate(x, size=size, mode="bilinear", align_corners=align_corners)

    assert rewritten(replace_resize, call(resize), X) == {"linear": 2, "permute": 2}


def test_bilinear_by_a_whole_factor(rewritten, call):
    module = call(lambda x: interpolate(x, scale_factor=2.0, mode="bilinear"))
    assert rewritten(replace_resize, module, X) == {"linear": 2, "permute": 2}


def test_bilinear_alone(rewritten, untouched, call):
    def both(x):
        return interpolate(interpolate(x, size=(8, 10)), size=(7, 5), mode="bilinear")

    left = rewritten(replace_bilinear, call(both), X)
    assert left == {"upsample_nearest2d": 1, "linear": 2, "permute": 2}
    untouched(replace_bilinear, call(lambda x: interpolate(x, size=(8, 10))), X)


NEAR_MISSES = {
    "nearest by a broken factor": lambda x: interpolate(x, size=(6, 10)),
    "nearest downwards": lambda x: interpolate(x, size=(2, 5)),
    "bilinear by a factor that the sizes do not give": lambda x: interpolate(
        x, scale_factor=1.3, mode="bilinear"
    ),
    "bicubic": lambda x: interpolate(x, size=(8, 10), mode="bicubic"),
}


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_near_miss_stays(name, untouched, call):
    untouched(replace_resize, call(NEAR_MISSES[name]), X)
