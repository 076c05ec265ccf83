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

    changed = sum(new != old for new, old in zip(size, X.shape[2:], strict=True))
    assert rewritten(replace_resize, call(resize), X) == {"linear": changed, "permute": 2}


def test_bilinear_by_a_whole_factor(rewritten, call):
    module = call(lambda x: interpolate(x, scale_factor=2.0, mode="bilinear"))
    assert rewritten(replace_resize, module, X) == {"linear": 2, "permute": 2}


OTHERS = {
    "nearest by a broken factor": {"size": (6, 12)},
    "nearest downwards": {"size": (2, 4)},
    "nearest by a factor": {"scale_factor": 1.7},
    "nearest, exact": {"size": (3, 7), "mode": "nearest-exact"},
    "bilinear by a factor": {"scale_factor": 1.3, "mode": "bilinear"},
    "bicubic": {"size": (8, 9), "mode": "bicubic"},
    "bicubic by a factor": {"scale_factor": 1.6, "mode": "bicubic", "align_corners": True},
    "bilinear, antialiased": {"size": (3, 3), "mode": "bilinear", "antialias": True},
    "bicubic, antialiased": {"size": (3, 9), "mode": "bicubic", "antialias": True},
}


@pytest.mark.parametrize("name", OTHERS)
def test_others(name, rewritten, call):
    module = call(lambda x: interpolate(x, **OTHERS[name]))
    exact = "nearest" in name
    left = rewritten(replace_resize, module, X, bit_equal=exact)
    assert left == {"linear": 2, "permute": 2}


@pytest.mark.parametrize("mode", ["linear", "nearest", "nearest-exact"])
def test_rows(mode, rewritten, call):
    module = call(lambda x: interpolate(x[0], size=8, mode=mode))
    assert rewritten(replace_resize, module, X) == {"select": 1, "linear": 1}


def test_bilinear_alone(rewritten, untouched, call):
    def both(x):
        return interpolate(interpolate(x, size=(8, 10)), size=(7, 5), mode="bilinear")

    left = rewritten(replace_bilinear, call(both), X)
    assert left == {"upsample_nearest2d": 1, "linear": 2, "permute": 2}
    untouched(replace_bilinear, call(lambda x: interpolate(x, size=(8, 10))), X)


def test_large_matrices_stay(untouched, call):
    x = torch.randn(1, 1, 600, 1)
    untouched(replace_resize, call(lambda x: interpolate(x, (2000, 1), mode="bicubic")), x)
