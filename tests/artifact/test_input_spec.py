"""Declared inputs: the samples that are drawn, and errors."""

import numpy as np
import pytest

from hvit_edge import InputSpec
from hvit_edge.artifact.input_spec import declared_in, source_of
from hvit_edge.errors import InputError

SPECS = (
    InputSpec("x", (2, 3)),
    InputSpec("y", (4,), range=(-1.5, 2)),
    InputSpec("ids", (2, 7), "int64", (3, 9)),
    InputSpec("small", (5,), "int32", (-4, 4)),
    InputSpec("bytes", (1, 2, 2, 4), "uint8", (0, 255)),
    InputSpec("mask", (6,), "bool"),
    InputSpec("step", (), range=(0, 1)),
)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_drawn_arrays_are_as_declared(spec):
    arrays = [spec.draw(np.random.default_rng(seed)) for seed in range(50)]
    assert {(array.shape, array.dtype.name) for array in arrays} == {(spec.shape, spec.dtype)}
    values = np.stack(arrays)
    if spec.range is not None:
        assert spec.range[0] <= values.min() and values.max() <= spec.range[1]
    if spec.dtype in ("int64", "int32"):  # both ends are drawn
        assert (values.min(), values.max()) == spec.range
    assert len(np.unique(values)) > 1


def test_what_an_artifact_says_is_enough_to_draw_again():
    assert declared_in(source_of(SPECS)) == list(SPECS)


@pytest.mark.parametrize("source", ["argument", "s.npz", "drawn: something else", ""])
def test_any_other_source_declares_nothing(source):
    assert declared_in(source) == []


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"shape": (0, 2)}, "shape: expected sides of 1 or more, got (0, 2)"),
        ({"shape": (1, 2.0)}, "shape: expected sides of 1 or more"),
        ({"dtype": "float64"}, "dtype: expected one of float32, int32, int64, uint8, bool"),
        ({"dtype": "int64"}, "range: expected one with int64, got none"),
        ({"dtype": "bool", "range": (0, 1)}, "range: expected none with bool"),
        ({"range": (2, 1)}, "range: expected two finite numbers in order"),
        ({"range": (0, float("nan"))}, "range: expected two finite numbers in order"),
        ({"dtype": "uint8", "range": (0, 256)}, "range: expected whole numbers that uint8 holds"),
        ({"dtype": "int32", "range": (0, 0.5)}, "range: expected whole numbers that int32 holds"),
    ],
)
def test_refuses_what_cannot_be_drawn(changes, fault):
    with pytest.raises(InputError) as caught:
        InputSpec("x", **{"shape": (1, 2), **changes})
    assert str(caught.value).startswith("[InputSpec] x: ") and fault in str(caught.value)
