"""Check that distant values are gathered as matrices if they form some."""

import numpy as np
import pytest

from hvit_edge.targets.native.transposes import transpose
from hvit_edge.targets.native.values import Buffer, Number

SOURCE, OUTPUT = Buffer(1000), Buffer(1000)
DENSE = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)

MATRICES = {
    "channels first": (DENSE.transpose(0, 2, 3, 1), (20, 3), [0, 60], 1, 20),
    "columns": (DENSE[0, 0].T, (5, 4), [0], 1, 5),
    "every second": (DENSE[:, ::2, 1, ::2], (4, 3), [5], 40, 2),
    "one row": (DENSE[0, :, 0, 0], (1, 3), [0], 0, 20),
    "one value": (DENSE[0, 0, 0, :1], (1, 1), [0], 0, 0),
    "repeated": (np.broadcast_to(DENSE[:1, 0, 0, :, None], (1, 5, 7)), (5, 7), [0], 1, 0),
}


@pytest.mark.parametrize("name", MATRICES)
def test_matrices(name):
    places, shape, starts, stride, step = MATRICES[name]
    found = transpose(SOURCE, places, OUTPUT)
    assert found is not None
    rows, columns = np.arange(found.rows) * found.input.stride, np.arange(found.columns)
    read = found.input.places[:, None, None] + rows[:, None] + columns * found.step
    assert read.ravel().tolist() == places.ravel().tolist()
    if name != "every second":
        assert (found.rows, found.columns) == shape and found.input.places.tolist() == starts
        assert (found.input.stride, found.step) == (stride, step)


OTHERS = {
    "turned around": DENSE[..., ::-1],
    "from the end": DENSE[0, 0, ::-1, ::2],
    "of other ways": DENSE[0, 0][:, [0, 1, 3]],
    "of rows of other ways": DENSE[0, 0, 0, [0, 2, 0]].reshape(1, 3),
    "rows anywhere": DENSE[0, 0].T[[0, 3, 1, 4, 2]],
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_matrix(name):
    assert transpose(SOURCE, OTHERS[name], OUTPUT) is None


CASES = {
    "tokens": (lambda x: x.transpose(1, 2).softmax(-1), (2, 37, 21)),
    "heads": (lambda x: x.permute(0, 2, 3, 1).softmax(-1), (2, 5, 6, 19)),
    "a softmax over columns": (lambda x: x.softmax(1) + x, (3, 50, 33)),
    "every second": (lambda x: x[:, ::2, ::3].softmax(-1), (2, 8, 12)),
    "flipped": (lambda x: x.flip(-1).softmax(-1), (2, 8, 12)),
}


@pytest.mark.parametrize("half", [False, True])
def test_runs(half, run_each):
    found = run_each(CASES, Number.FLOAT16 if half else Number.FLOAT32)
    for name, ran in found.items():
        assert ran.error < (2e-3 if half else 1e-6), name
    assert found["tokens"].kinds["Transpose"] and not found["tokens"].kinds["Gather"]
