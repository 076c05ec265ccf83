import numpy as np
from coremltools.converters.mil.mil import Builder as mb
from hypothesis import given, settings
from hypothesis import strategies as st

few = settings(max_examples=15, deadline=None, derandomize=True)
cases = {
    "n": st.integers(1, 2),
    "channels": st.integers(1, 3),
    "height": st.integers(1, 3),
    "width": st.integers(1, 3),
    "block": st.integers(2, 3),
    "seed": st.integers(0, 1000),
}


def draw(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@few
@given(**cases)
def test_pixel_shuffle(evaluate, n, channels, height, width, block, seed):
    x = draw(seed, n, channels, block * height, block * width)
    shuffled = np.empty((n, channels * block**2, height, width), np.float32)
    for c, i, j in np.ndindex(channels, block, block):
        shuffled[:, (c * block + i) * block + j] = x[:, c, i::block, j::block]
    got = evaluate(lambda x: mb.pixel_unshuffle(x=x, downscale_factor=np.uint32(block)), x)
    assert np.array_equal(got, shuffled)
    got = evaluate(lambda x: mb.pixel_shuffle(x=x, upscale_factor=block), shuffled)
    assert np.array_equal(got, x)


@few
@given(**cases)
def test_depth_and_space(evaluate, n, channels, height, width, block, seed):
    x = draw(seed, n, channels, block * height, block * width)
    deep = np.empty((n, channels * block**2, height, width), np.float32)
    for i, j, c in np.ndindex(block, block, channels):
        deep[:, (i * block + j) * channels + c] = x[:, c, i::block, j::block]
    assert np.array_equal(evaluate(lambda x: mb.space_to_depth(x=x, block_size=block), x), deep)
    assert np.array_equal(evaluate(lambda x: mb.depth_to_space(x=x, block_size=block), deep), x)


@few
@given(**cases, margin=st.integers(0, 1))
def test_batch_and_space(evaluate, n, channels, height, width, block, seed, margin):
    blocks = [block, 2]
    whole = draw(seed, n, channels, block * (height + 1), 2 * (width + 1))
    margins = [[margin, 1], [1 - margin, margin]]
    bottom, right = whole.shape[2] - 1, whole.shape[3] - margin
    x = whole[:, :, margin:bottom, 1 - margin : right].copy()
    padded = np.pad(x, [(0, 0), (0, 0), *margins])
    batches = np.concatenate([padded[:, :, i::block, j::2] for i in range(block) for j in range(2)])
    got = evaluate(
        lambda x: mb.space_to_batch(x=x, block_shape=blocks, paddings=np.array(margins)), x
    )
    assert np.array_equal(got, batches)
    got = evaluate(
        lambda x: mb.batch_to_space(x=x, block_shape=blocks, crops=np.array(margins)), batches
    )
    assert np.array_equal(got, x)
