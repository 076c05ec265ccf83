"""Checkpoint files are read by their content, and errors say what other files are."""

from __future__ import annotations

import collections
import datetime
import gzip
import json
import pathlib
import tarfile
import zipfile

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from hvit_edge.errors import InputError
from hvit_edge.weights import load_weights


def small() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).eval()


@pytest.fixture
def net():
    return small()


@pytest.fixture
def other():
    torch.manual_seed(3)
    source = small()
    nn.init.normal_(source[1].weight)
    return source


def assert_same(net, other):
    for key, value in other.state_dict().items():
        assert torch.equal(net.state_dict()[key], value), key


@pytest.mark.parametrize("name", ["w.ckpt", "w.pth.tar", "w.pkl", "w", "w.safetensors", "w.dat"])
def test_the_name_does_not_matter(net, other, tmp_path, name):
    torch.save(other.state_dict(), tmp_path / name)
    load_weights(net, tmp_path / name)
    assert_same(net, other)
    fresh = small()
    save_file(other.state_dict(), tmp_path / name)
    load_weights(fresh, tmp_path / name)
    assert_same(fresh, other)


def test_files_of_old_torch(net, other, tmp_path):
    content = {"model": other.state_dict()}
    torch.save(content, tmp_path / "w.pt", _use_new_zipfile_serialization=False)
    load_weights(net, tmp_path / "w.pt")
    assert_same(net, other)


def test_what_trainers_keep_beside_the_weights(net, other, tmp_path):
    beside = {
        "metric": np.float64(81.2),
        "best": np.int64(3),
        "history": np.arange(3.0),
        "output": pathlib.Path("runs"),
        "when": datetime.datetime(2026, 1, 1),
        "logs": collections.defaultdict(list, a=[1]),
        "rng": {"python": (3, (1, 2)), "torch": torch.zeros(4, dtype=torch.uint8)},
    }
    torch.save(beside | {"state_dict": other.state_dict()}, tmp_path / "w.ckpt")
    load_weights(net, tmp_path / "w.ckpt")
    assert_same(net, other)


def test_pickles_by_numpy_1(net, other, tmp_path):
    path = tmp_path / "w.pt"
    content = {"metric": np.float64(1), "model": other.state_dict()}
    torch.save(content, path, _use_new_zipfile_serialization=False)
    data = path.read_bytes()
    path.write_bytes(data.replace(b"numpy._core.multiarray", b"numpy.core.multiarray"))
    load_weights(net, path)
    assert_same(net, other)


def write_gzip(path):
    path.write_bytes(gzip.compress(b"weights"))


def write_tar(path):
    with tarfile.open(path, "w") as archive:
        archive.add(__file__, "a.py")


def write_zip(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "text")


FOREIGN = {
    "gzip": (write_gzip, "a gzip file; unpack it"),
    "tar": (write_tar, "a tar archive; unpack it"),
    "zip": (write_zip, "a ZIP archive that PyTorch did not write"),
    "npz": (lambda path: np.savez(path.open("wb"), a=np.ones(2)), r"NumPy arrays \(.npz\)"),
    "npy": (lambda path: np.save(path.open("wb"), np.ones(2)), "a NumPy array"),
    "hdf5": (lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n" * 9), "an HDF5 file"),
    "html": (lambda path: path.write_text("\n<!DOCTYPE html><html>"), "a web page"),
    "lfs": (lambda path: path.write_text("version https://git-lfs.github.com/"), "git lfs pull"),
    "pte": (lambda path: path.write_bytes(b"\0\0\0\0ET12" * 9), "an ExecuTorch program"),
    "empty": (lambda path: path.write_bytes(b""), "an empty file; download"),
    "noise": (lambda path: path.write_bytes(b"\1\2\3\4" * 9), "begins with 01 02 03 04"),
    "json": (lambda path: path.write_text(json.dumps({"a": 1})), "other JSON; pass the weights"),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_what_is_no_checkpoint_is_named(net, tmp_path, kind):
    write, message = FOREIGN[kind]
    write(tmp_path / "w.pt")
    with pytest.raises(InputError, match=message):
        load_weights(net, tmp_path / "w.pt")


def save_script(module, path):
    torch.jit.save(torch.jit.script(module), path)


def save_export(module, path):
    torch.export.save(torch.export.export(module, (torch.zeros(2, 3, 8, 8),)), path)


def save_module_in_mapping(module, path):
    torch.save({"epoch": 2, "model": module}, path)


def save_old_module(module, path):
    torch.save(module, path, _use_new_zipfile_serialization=False)


class Odd:
    """An object that no safe reader knows."""


def save_odd_beside(module, path):
    callbacks = {"best": {"score": torch.tensor(1.0)}}
    content = {"callbacks": callbacks, "config": Odd(), "state_dict": module.state_dict()}
    torch.save(content, path)


def save_odd_among(module, path):
    torch.save(dict(module.state_dict()) | {"config": Odd()}, path)


SAVERS = {
    "TorchScript": save_script,
    "torch.export": save_export,
    "pickled module": lambda module, path: torch.save(module, path),
    "pickled module of old torch": save_old_module,
    "pickled module in a mapping": save_module_in_mapping,
    "odd object beside": save_odd_beside,
    "odd object among the weights": save_odd_among,
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", SAVERS)
def test_the_remedy_of_the_message_works(net, other, tmp_path, kind, monkeypatch):
    path = tmp_path / "it's.pt2"
    SAVERS[kind](other, str(path))
    with pytest.raises(InputError) as caught:
        load_weights(net, path)
    message = str(caught.value)
    remedy = message[message.index("torch.save(") :]
    monkeypatch.chdir(tmp_path)
    exec(remedy, {"torch": torch})
    load_weights(net, "weights.pt")
    assert_same(net, other)
