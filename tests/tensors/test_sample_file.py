"""NPZ files of samples."""

import numpy as np
import pytest

from hvit_edge.errors import InputError
from hvit_edge.tensors.sample_file import read_sample_file, read_samples

NAMES = ("x", "ids")
LIKE = (np.zeros((1, 4), np.float32), np.zeros((3,), np.int64))


def many(count, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((count, 1, 4)).astype(np.float32)
    return {"x": x, "ids": rng.integers(0, 9, (count, 3))}


def test_one_sample_and_several(tmp_path):
    arrays = many(5)
    np.savez(tmp_path / "many.npz", **arrays)
    np.savez(tmp_path / "one.npz", x=arrays["x"][2], ids=arrays["ids"][2])
    np.savez(tmp_path / "row.npz", arrays["x"], arrays["ids"])
    found = read_samples(tmp_path / "many.npz", NAMES, LIKE, "validate")
    assert len(found) == 5
    assert (found[2][0] == arrays["x"][2]).all() and (found[2][1] == arrays["ids"][2]).all()
    (alone,) = read_samples(tmp_path / "one.npz", NAMES, LIKE, "validate")
    assert (alone[0] == found[2][0]).all()
    by_position = read_samples(tmp_path / "row.npz", NAMES, LIKE, "validate")
    assert (by_position[4][1] == found[4][1]).all()


def test_a_scalar_stays_one(tmp_path):
    np.savez(tmp_path / "one.npz", x=np.zeros((1, 4), np.float32), ids=np.int64(7))
    like = (LIKE[0], np.int64(0).reshape(()))
    ((_, scalar),) = read_samples(tmp_path / "one.npz", NAMES, like, "validate")
    assert scalar.shape == () and scalar == 7


def test_a_folder_is_read_file_by_file(tmp_path):
    np.savez(tmp_path / "b.npz", **many(3, seed=1))
    np.savez(tmp_path / "a.npz", **many(2, seed=2))
    found = read_samples(tmp_path, NAMES, LIKE, "compile")
    assert len(found) == 5
    assert (found[0][0] == many(2, seed=2)["x"][0]).all()


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"ids": None}, "got no ids"),
        ({"more": np.zeros(2)}, "got an unknown more"),
        ({"x": np.zeros((5, 1, 3), np.float32)}, r"got x float32 \[5, 1, 3\]"),
        ({"x": np.zeros((5, 1, 4))}, r"got x float64 \[5, 1, 4\]"),
        ({"ids": np.zeros((5, 3), np.int32)}, r"got ids int32 \[5, 3\]"),
        ({"ids": np.zeros((4, 3), np.int64)}, "got arrays with different numbers of samples"),
        ({"ids": np.zeros((3,), np.int64)}, "got arrays with different numbers of samples"),
        ({"x": np.full((5, 1, 4), np.nan, np.float32)}, "got NaN or infinity in x"),
    ],
)
def test_refuses_samples_of_another_module(tmp_path, changes, fault):
    arrays = {name: a for name, a in {**many(5), **changes}.items() if a is not None}
    np.savez(tmp_path / "s.npz", **arrays)
    with pytest.raises(InputError, match=fault) as caught:
        read_samples(tmp_path / "s.npz", NAMES, LIKE, "validate")
    assert "expected x float32 [1, 4], ids int64 [3]" in str(caught.value)


def test_refuses_what_is_no_npz_file(tmp_path):
    np.save(tmp_path / "single.npy", np.zeros(3))
    np.savez(tmp_path / "objects.npz", np.array([{}], dtype=object))
    (tmp_path / "text.npz").write_text("no archive")
    for name in ("single.npy", "objects.npz", "text.npz", "missing.npz"):
        with pytest.raises(InputError, match=r"^\[compile\] sample: expected an NPZ file"):
            read_sample_file(tmp_path / name, "compile")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="got a folder without one; write them with"):
        read_samples(tmp_path / "empty", NAMES, LIKE, "compile")
