import pytest
import torch
from torch import nn

from hvit_edge.errors import InputError
from hvit_edge.models.registry import build_model
from hvit_edge.sources.checkpoint import classes_of, fill_random, load_into
from hvit_edge.weights.load import HeadMismatch, expected_tensors
from hvit_edge.weights.random_weights import random_state_dict


class Net(nn.Module):
    def __init__(self, num_classes=5):
        super().__init__()
        self.num_classes = num_classes
        self.stem = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.head = nn.Linear(4, num_classes)
        self.register_buffer("index", torch.arange(6))
        self.register_buffer("table", torch.linspace(0, 1, 3))


def build(classes):
    return Net(classes or 5)


def test_random_weights_leave_what_the_module_computed():
    first, second = fill_random(Net()), fill_random(Net())
    for key, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[key])
    assert torch.equal(first.index, torch.arange(6))
    assert torch.equal(first.table, torch.linspace(0, 1, 3))
    assert first.norm.running_var.min() >= 0.5 and first.norm.weight.std() > 0


def test_random_weights_are_those_of_the_registry():
    model = build_model("mobilevit_xxs", num_classes=3, input_size=64)
    expected = random_state_dict(model)
    fill_random(model)
    assert all(torch.equal(v, expected[k]) for k, v in expected_tensors(model).items())


def test_a_checkpoint_in_a_training_loops_nesting(tmp_path):
    state = {f"module.{key}": value for key, value in Net().state_dict().items()}
    file = tmp_path / "ft.pt"
    torch.save({"epoch": 3, "model": state, "optimizer": {"state": {}}}, file)
    loaded = load_into(build, file, None, None, "compile")
    assert loaded.source == "ft.pt" and loaded.notes == ()
    assert torch.equal(loaded.module.head.weight, state["module.head.weight"])


def test_the_class_count_is_that_of_the_head(tmp_path):
    state = Net(7).state_dict()
    loaded = load_into(build, state, None, None, "compile")
    assert loaded.module.head.out_features == 7
    assert loaded.notes[0].startswith("[weights] classes: 7, as many as the head in state dict has")
    with pytest.raises(HeadMismatch, match="head of 3 classes, got one of 7"):
        load_into(build, state, None, 3, "compile")


def test_other_keys_are_all_named():
    state = Net().state_dict()
    state["extra.weight"] = torch.zeros(1)
    del state["norm.bias"]
    with pytest.raises(InputError, match="1 missing: norm.bias; 1 unexpected: extra.weight"):
        load_into(build, state, None, None, "compile")


@pytest.mark.parametrize(
    ("weights", "key", "message"),
    [
        ("random", "ema", "weights_key: expected none with random weights"),
        (nn.Linear(1, 1), None, "expected random, a path or a state dict, got Linear"),
        ("nowhere", None, "expected a file, a folder, 'hf:owner/repo' or one of random"),
        ("gone.pt", None, "expected a checkpoint file, got no such file"),
    ],
)
def test_refusals(weights, key, message):
    with pytest.raises(InputError, match=message):
        load_into(build, weights, key, None, "compile")


def test_class_counts_as_libraries_state_them():
    assert classes_of(Net(4)) == 4
    assert classes_of(nn.Linear(2, 2)) is None
