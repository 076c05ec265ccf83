import pytest
import torch

from hvit_edge.errors import InputError
from hvit_edge.weights.checkpoint import open_checkpoint


def test_a_state_dict_has_no_file():
    opened = open_checkpoint({"w": torch.ones(1)}, "compile")
    assert opened.source == "state dict"
    assert opened.file is None and opened.find is None
    assert list(opened.content) == ["w"]


def test_a_file_is_read_with_the_files_next_to_it(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    torch.save({"w": torch.ones(1)}, tmp_path / "own.pt")
    opened = open_checkpoint(tmp_path / "own.pt", "compile")
    assert (opened.source, opened.file) == ("own.pt", tmp_path / "own.pt")
    assert opened.find("config.json") == tmp_path / "config.json"
    assert torch.equal(opened.content["w"], torch.ones(1))


def test_a_checkpoint_is_read_once(tmp_path):
    torch.save({"w": torch.ones(1)}, tmp_path / "own.pt")
    opened = open_checkpoint(tmp_path / "own.pt", "compile")
    (tmp_path / "own.pt").unlink()
    assert open_checkpoint(opened, "compile") is opened


def test_other_objects_are_refused_with_the_names_that_are_accepted():
    message = r"\[compile\] weights: expected random, cifar10, a path or a state dict, got"
    with pytest.raises(InputError, match=f"{message} Linear; for a module pass its state_dict"):
        open_checkpoint(torch.nn.Linear(1, 1), "compile", ["random", "cifar10"])
