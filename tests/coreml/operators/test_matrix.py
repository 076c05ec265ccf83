import numpy as np
import pytest
from coremltools.converters.mil.mil import Builder as mb
from hypothesis import given, settings
from hypothesis import strategies as st

few = settings(max_examples=12, deadline=None, derandomize=True)
sizes = st.integers(1, 5)
seeds = st.integers(0, 1000)


def draw(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@few
@given(batch=st.lists(sizes, max_size=2), ins=sizes, outs=sizes, seed=seeds, biased=st.booleans())
def test_linear(evaluate, close, batch, ins, outs, seed, biased):
    x, weight = draw(seed, *batch, ins), draw(seed + 1, outs, ins)
    bias = draw(seed + 2, outs) if biased else None
    got = evaluate(lambda x: mb.linear(x=x, weight=weight, bias=bias), x)
    expected = np.einsum("...i,oi->...o", x.astype(np.float64), weight.astype(np.float64))
    close(got, expected + (bias if biased else 0))


@few
@given(
    batch=st.lists(sizes, max_size=2),
    rows=sizes,
    inner=sizes,
    columns=sizes,
    seed=seeds,
    flips=st.integers(0, 3),
    short=st.booleans(),
)
def test_matmul(evaluate, close, batch, rows, inner, columns, seed, flips, short):
    x, y = draw(seed, *batch, rows, inner), draw(seed + 1, *batch[short:], inner, columns)
    expected = np.matmul(x.astype(np.float64), y.astype(np.float64))
    x = x.swapaxes(-1, -2).copy() if flips & 1 else x
    y = y.swapaxes(-1, -2).copy() if flips & 2 else y
    flags = {"transpose_x": bool(flips & 1), "transpose_y": bool(flips & 2)}
    close(evaluate(lambda x, y: mb.matmul(x=x, y=y, **flags), x, y), expected)
    close(evaluate(lambda x: mb.matmul(x=x, y=y, **flags), x), expected)


def test_matmul_of_a_vector(evaluate, close):
    x, y = draw(0, 4), draw(1, 4, 3)
    close(evaluate(lambda x, y: mb.matmul(x=x, y=y), x, y), x.astype(np.float64) @ y)


def test_matmul_of_integers_is_exact(evaluate):
    x = np.array([[2**24 + 1, 1]], np.int32)
    y = np.array([[1], [2]], np.int32)
    assert evaluate(lambda x, y: mb.matmul(x=x, y=y), x, y).tolist() == [[2**24 + 3]]


@pytest.mark.parametrize("equation", ["nchw,nwhu->nchu", "chw,whr->chr"])
@few
@given(n=sizes, c=sizes, h=sizes, w=sizes, u=sizes, seed=seeds, single=st.integers(0, 2))
def test_einsum(evaluate, close, equation, n, c, h, w, u, seed, single):
    heights = (1 if single == 1 else h, 1 if single == 2 else h)
    x, y = draw(seed, n, c, heights[0], w), draw(seed + 1, n, w, heights[1], u)
    expected = np.stack(
        [
            np.stack(
                [
                    x[i, :, j % heights[0]].astype(np.float64) @ y[i, :, j % heights[1]]
                    for j in range(h)
                ],
                axis=1,
            )
            for i in range(n)
        ]
    )[:, :, : max(heights)]
    if len(equation) == 12:
        x, y, expected = x[0], y[0], expected[0]
    close(evaluate(lambda x, y: mb.einsum(values=(x, y), equation=equation), x, y), expected)
