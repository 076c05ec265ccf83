import numpy as np
import torch
import torch.nn.functional as F
from coremltools.converters.mil.mil import Builder as mb
from hypothesis import given, settings
from hypothesis import strategies as st

few = settings(max_examples=12, deadline=None, derandomize=True)
sizes = st.integers(1, 4)
seeds = st.integers(0, 1000)
REL = 1e-6


def draw(seed, *shape):
    return (1 + np.random.default_rng(seed).standard_normal(shape)).astype(np.float32)


def wide(array):
    return None if array is None else torch.from_numpy(array).double()


@few
@given(n=sizes, channels=sizes, rank=st.integers(1, 3), seed=seeds, affine=st.booleans())
def test_batch_norm(evaluate, close, n, channels, rank, seed, affine):
    x = draw(seed, n, channels, *[3] * rank)
    mean, variance = draw(seed + 1, channels), np.abs(draw(seed + 2, channels)) + 0.1
    gamma, beta = (draw(seed + 3, channels), draw(seed + 4, channels)) if affine else (None, None)
    got = evaluate(
        lambda x: mb.batch_norm(
            x=x, mean=mean, variance=variance, gamma=gamma, beta=beta, epsilon=1e-3
        ),
        x,
    )
    parts = (wide(part) for part in (x, mean, variance, gamma, beta))
    close(got, F.batch_norm(*parts, eps=float(np.float32(1e-3))), REL)


@few
@given(n=sizes, channels=sizes, rank=st.integers(1, 2), seed=seeds, affine=st.booleans())
def test_instance_norm(evaluate, close, n, channels, rank, seed, affine):
    x = draw(seed, n, channels, *[4] * rank)
    gamma, beta = (draw(seed + 3, channels), draw(seed + 4, channels)) if affine else (None, None)
    got = evaluate(lambda x: mb.instance_norm(x=x, gamma=gamma, beta=beta, epsilon=1e-5), x)
    close(got, F.instance_norm(wide(x), weight=wide(gamma), bias=wide(beta)), REL)


@few
@given(
    shape=st.lists(st.integers(2, 4), min_size=2, max_size=4),
    chosen=st.integers(1, 15),
    seed=seeds,
    affine=st.booleans(),
    negative=st.booleans(),
)
def test_layer_norm_over_any_axes(evaluate, close, shape, chosen, seed, affine, negative):
    axes = [axis for axis in range(len(shape)) if chosen >> axis & 1] or [0]
    x = draw(seed, *shape)
    normalized = [shape[axis] for axis in axes]
    gamma, beta = (draw(seed + 1, *normalized), draw(seed + 2, *normalized))
    given_axes = [axis - len(shape) for axis in axes] if negative else axes
    pair = {"gamma": gamma, "beta": beta} if affine else {}
    got = evaluate(lambda x: mb.layer_norm(x=x, axes=given_axes, epsilon=1e-2, **pair), x)
    others = [axis for axis in range(len(shape)) if axis not in axes]
    moved = wide(x).permute(*others, *axes)
    expected = F.layer_norm(
        moved,
        normalized,
        wide(gamma) if affine else None,
        wide(beta) if affine else None,
        float(np.float32(1e-2)),
    )
    close(got, expected.permute(*np.argsort(others + axes).tolist()), REL)


@few
@given(batch=st.lists(sizes, max_size=2), seed=seeds)
def test_l2_norm(evaluate, close, batch, seed):
    x = draw(seed, *batch, 2, 3, 2)
    lengths = np.linalg.norm(x.astype(np.float64).reshape(*batch, -1), axis=-1)
    expected = x / np.sqrt(lengths**2 + 1e-6)[..., None, None, None]
    close(evaluate(lambda x: mb.l2_norm(x=x, epsilon=1e-6), x), expected)
