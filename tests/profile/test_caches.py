"""Modeled misses are assigned to operators; test_cache_model.py tests the model itself."""

import pytest

from hvit_edge.profile.caches import misses_of

OPERATORS = [
    {"name": "Softmax (NC, F32) #1", "first": 0, "last": 1},
    {"name": "Softmax (NC, F32) #2", "first": 2, "last": 3},
    {"name": "Copy (NC, X32) #1", "first": 3, "last": 4},
]
COUNTED = {
    "caches": [{"core": "small", "line": 64}, {"core": "large", "line": 128}],
    "misses": [[90, 40, 9], [45, 3, 1]],
    "missed": [
        [[10, 1, 0], [5, 0, 0]],
        [[30, 4, 1], [15, 0, 0]],
        [[31, 4, 1], [16, 0, 0]],
        [[41, 9, 3], [20, 1, 0]],
        [[80, 9, 3], [40, 1, 1]],
    ],
}


def test_misses_between_reads():
    found = misses_of(OPERATORS, COUNTED)
    assert list(found) == ["small", "large"]
    assert (found["small"].line, found["small"].total) == (64, (90, 40, 9))
    assert [misses for _, misses in found["small"].operators] == [
        (20, 3, 1),
        (10, 5, 2),
        (39, 0, 0),
    ]
    assert found["small"].kernels == {"softmax": (30, 8, 3), "copies": (39, 0, 0)}
    assert found["large"].kernels == {"softmax": (14, 1, 0), "copies": (20, 0, 1)}


def test_a_counter_without_caches_is_an_error():
    with pytest.raises(KeyError, match="caches"):
        misses_of(OPERATORS, {"reads": []})
