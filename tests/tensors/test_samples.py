"""Values that `inputs` accepts, and errors."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from hvit_edge import InputSpec
from hvit_edge.errors import InputError
from hvit_edge.tensors.samples import MORE_DRAWN, read_inputs

X = np.arange(6, dtype=np.float32).reshape(1, 6)
IDS = np.arange(3)


def test_arrays_by_position_and_by_name(tmp_path):
    np.savez(tmp_path / "named.npz", x=X, ids=IDS)
    np.savez(tmp_path / "row.npz", X, IDS)
    row, named = (None, "argument"), (("x", "ids"), "argument")
    for given, expected in (
        ((X, IDS), row),
        ([torch.from_numpy(X), torch.from_numpy(IDS)], row),
        ({"x": X, "ids": torch.from_numpy(IDS)}, named),
        (tmp_path / "named.npz", (("x", "ids"), "named.npz")),
        (str(tmp_path / "row.npz"), (None, "row.npz")),
    ):
        samples = read_inputs(given, "compile")
        assert (samples.names, samples.source) == expected
        assert samples.others == ()
        for array, wanted in zip(samples.golden, (X, IDS), strict=True):
            assert array.dtype == wanted.dtype and (array == wanted).all()
            assert array.flags.c_contiguous and array is not wanted


def test_one_array_is_a_row_of_one():
    assert read_inputs(X, "compile").golden[0].shape == (1, 6)


def test_other_orders_in_memory_become_plain():
    (array,) = read_inputs(np.asfortranarray(np.ones((3, 4), ">f4")), "compile").golden
    assert array.dtype == np.float32 and array.dtype.isnative and array.flags.c_contiguous


def test_declared_inputs_are_drawn_the_same_every_time_and_say_so():
    specs = [InputSpec("x", (1, 6)), InputSpec("ids", (3,), "int64", (0, 9))]
    one, other = read_inputs(specs, "compile"), read_inputs(tuple(specs), "compile")
    assert one.names == ("x", "ids")
    assert one.source == "drawn: x float32 [1, 6] normal; ids int64 [3] from 0 to 9"
    assert len(one.others) == MORE_DRAWN
    for first, second in zip((one.golden, *one.others), (other.golden, *other.others), strict=True):
        assert all((a == b).all() for a, b in zip(first, second, strict=True))
    assert (one.golden[0] != one.others[0][0]).any()


@dataclass
class Batch:
    """Holds what the forward of some modules takes."""

    x: np.ndarray


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ((), "expected at least one array, got none"),
        ({}, "expected at least one array, got none"),
        (3, "expected arrays, a dict of them, the path of an NPZ file or InputSpecs, got int"),
        ((X, [1, 2]), "input 1: expected float32, int32, int64, uint8 or bool, got list; give a"),
        (([X, X],), "input 0: .* got list; wrap the module in one whose forward takes each array"),
        ({"x": {"a": X}}, "x: .* got dict; wrap the module in one whose forward takes each array"),
        ((Batch(X),), "input 0: .* got Batch; wrap the module in one whose forward takes each"),
        ({"x": X, "scale": 2.0}, "scale: .* got float; a constant is part of the module: leave"),
        ({"x": X.astype(np.float64)}, "x: expected float32, .* got float64; convert it"),
        ((X.astype(np.float16),), "input 0: .* got float16"),
        ((np.array(["a"]),), "input 0: .* got ndarray of <U1"),
        ((torch.ones(2, dtype=torch.bfloat16),), "input 0: .* got Tensor of torch.bfloat16"),
        ((torch.ones(2, 2).to_sparse(),), "input 0: .* got Tensor of torch.float32; give a dense"),
        ((X * np.nan,), "input 0: .* got NaN or infinity"),
        ((np.zeros((0, 3), np.float32),), r"input 0: .* got an empty array \[0, 3\]"),
        ((X, InputSpec("x", (1,))), "expected arrays or InputSpecs, got both"),
        ([InputSpec("x", (1,)), InputSpec("x", (2,))], "expected different names, got x, x"),
        ({"y": InputSpec("x", (1,))}, "expected each InputSpec under its own name, got y for x"),
        ("missing.npz", "expected an NPZ file .* got missing.npz: No such file"),
    ],
)
def test_refuses_anything_else(inputs, message):
    with pytest.raises(InputError, match=message) as caught:
        read_inputs(inputs, "compile")
    assert str(caught.value).startswith("[compile] ")


def test_every_wrong_array_is_named_at_once():
    with pytest.raises(InputError) as caught:
        read_inputs({"a": X.astype(np.float64), "b": X, "c": None}, "compile")
    message = str(caught.value)
    assert "a: expected" in message and "c: expected" in message and "b: expected" not in message
