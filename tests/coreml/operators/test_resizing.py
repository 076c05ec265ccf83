import numpy as np
import pytest
import torch
import torch.nn.functional as F
from coremltools.converters.mil.mil import Builder as mb
from hypothesis import given, settings
from hypothesis import strategies as st

from hvit_edge.coreml.operators.resizing import grid
from hvit_edge.errors import ArtifactError

few = settings(max_examples=15, deadline=None, derandomize=True)
sizes = st.integers(1, 7)
cases = {"height": sizes, "width": sizes, "high": sizes, "wide": sizes, "seed": st.integers(0, 99)}
REL = 1e-6

# From the notes under MIL's resize_bilinear: two elements to five, and to six.
GRIDS = {
    "UNALIGN_CORNERS": ([0, 0.1, 0.5, 0.9, 1], [0, 0, 0.33, 0.67, 1, 1]),
    "STRICT_ALIGN_CORNERS": ([0, 0.25, 0.5, 0.75, 1], [0, 0.2, 0.4, 0.6, 0.8, 1]),
    "ALIGN_CORNERS": ([0, 0.25, 0.5, 0.75, 1], [0, 0.2, 0.4, 0.6, 0.8, 1]),
    "DEFAULT": ([0, 0.4, 0.8, 1, 1], [0, 0.33, 0.67, 1, 1, 1]),
    "OFFSET_CORNERS": ([0.1, 0.3, 0.5, 0.7, 0.9], [0.08, 0.25, 0.42, 0.58, 0.75, 0.92]),
}


def draw(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def interpolated(x, high, wide):
    """By matrices of weights, from the grid."""
    rows, columns = (
        np.stack([np.interp(points, np.arange(len(eye)), row) for row in eye])
        for points, eye in ((high, np.eye(x.shape[-2])), (wide, np.eye(x.shape[-1])))
    )
    return np.einsum("...hw,hi,wj->...ij", x.astype(np.float64), rows, columns)


@pytest.mark.parametrize("mode", GRIDS)
def test_grid_is_the_documented_one(mode):
    for target, expected in zip((5, 6), GRIDS[mode], strict=True):
        np.testing.assert_allclose(grid(2, target, mode).numpy(), expected, atol=0.006)


def test_grid_of_one_point():
    assert grid(5, 1, "ALIGN_CORNERS").tolist() == [2]
    assert grid(5, 1, "STRICT_ALIGN_CORNERS").tolist() == [0]


@pytest.mark.parametrize("mode", GRIDS)
@few
@given(**cases)
def test_bilinear(evaluate, close, mode, height, width, high, wide, seed):
    x = draw(seed, 2, 3, height, width)
    expected = interpolated(x, grid(height, high, mode).numpy(), grid(width, wide, mode).numpy())
    got = evaluate(
        lambda x: mb.resize_bilinear(
            x=x, target_size_height=high, target_size_width=wide, sampling_mode=mode
        ),
        x,
    )
    close(got, expected, REL)
    got = evaluate(
        lambda x: mb.resize(x=x, shape=[high, wide], resized_dims=np.uint32(2), sampling_mode=mode),
        x,
    )
    close(got, expected, REL)


@pytest.mark.parametrize("aligned", [False, True])
@few
@given(height=sizes, width=sizes, by=st.sampled_from([1, 2, 3, 1.5]), seed=st.integers(0, 99))
def test_upsample_bilinear_is_that_of_pytorch(evaluate, close, aligned, height, width, by, seed):
    x = draw(seed, 1, 2, height, width)
    size = (int(height * by), int(width * 2))
    expected = F.interpolate(
        torch.from_numpy(x).double(), size=size, mode="bilinear", align_corners=aligned
    )
    for ios in (15, 17):
        got = evaluate(
            lambda x: mb.upsample_bilinear(
                x=x,
                scale_factor_height=float(by),
                scale_factor_width=2.0,
                align_corners=aligned,
            ),
            x,
            ios=ios,
        )
        close(got, expected, REL)


def test_upsample_bilinear_without_half_pixels(evaluate, close):
    x = draw(0, 1, 2, 3, 4)
    got = evaluate(
        lambda x: mb.upsample_bilinear(
            x=x,
            scale_factor_height=2,
            scale_factor_width=2,
            align_corners=False,
            half_pixel_centers=False,
        ),
        x,
    )
    close(got, interpolated(x, np.minimum(np.arange(6) / 2, 2), np.minimum(np.arange(8) / 2, 3)))


@few
@given(height=sizes, width=sizes, by=st.integers(1, 3), seed=st.integers(0, 99))
def test_upsample_nearest_is_that_of_pytorch(evaluate, height, width, by, seed):
    x = draw(seed, 1, 2, height, width)
    got = evaluate(
        lambda x: mb.upsample_nearest_neighbor(
            x=x, scale_factor_height=float(by), scale_factor_width=1.5
        ),
        x,
    )
    size = (height * by, int(width * 1.5))
    assert np.array_equal(got, F.interpolate(torch.from_numpy(x), size=size, mode="nearest"))


@few
@given(**cases)
def test_resize_nearest_has_half_pixel_centres(evaluate, height, width, high, wide, seed):
    x = draw(seed, 1, 2, height, width)
    expected = F.interpolate(torch.from_numpy(x), size=(high, wide), mode="nearest-exact")
    got = evaluate(
        lambda x: mb.resize_nearest_neighbor(x=x, target_size_height=high, target_size_width=wide),
        x,
    )
    assert np.array_equal(got, expected)
    got = evaluate(
        lambda x: mb.resize(
            x=x,
            shape=[1, high, wide],
            resized_dims=np.uint32(2),
            interpolation_mode="NEAREST_NEIGHBOR",
        ),
        x,
    )
    assert np.array_equal(got, expected)


def test_resize_keeps_a_size_of_zero(evaluate):
    x = draw(0, 2, 3, 4)
    got = evaluate(lambda x: mb.resize(x=x, shape=[0, 8], resized_dims=np.uint32(2)), x)
    assert got.shape == (2, 3, 8)


def test_undocumented_nearest_is_refused(evaluate):
    with pytest.raises(ArtifactError, match="OFFSET_CORNERS is undocumented"):
        evaluate(
            lambda x: mb.resize(
                x=x,
                shape=[4, 4],
                resized_dims=np.uint32(2),
                interpolation_mode="NEAREST_NEIGHBOR",
                sampling_mode="OFFSET_CORNERS",
            ),
            draw(0, 2, 3, 4),
        )


def test_exclusive_options_are_refused(evaluate):
    with pytest.raises(ArtifactError, match="exclude each other"):
        evaluate(
            lambda x: mb.upsample_bilinear(
                x=x,
                scale_factor_height=2,
                scale_factor_width=2,
                align_corners=True,
                half_pixel_centers=True,
            ),
            draw(0, 1, 3, 4),
        )
