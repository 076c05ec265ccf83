import random

import numpy as np
import pytest
import torch

from hvit_edge.errors import InputError
from hvit_edge.preprocess import Preprocess
from hvit_edge.sources.address import read_address
from hvit_edge.sources.factory_file import argument_of, module_from_file


def made(text, **args):
    return module_from_file(read_address(text, "compile"), args, "compile")


def test_a_factory_a_class_and_an_instance_make_a_module(net):
    module, preprocess = made("net.py:build", classes=3)
    assert module.head.out_features == 3 and preprocess is None
    assert made("net.py:Net", width=4)[0].stem.out_channels == 4
    assert made("net.py:instance")[0].head.out_features == 5
    assert made("net.py:prepared")[1] == Preprocess((32, 32), mean=(0.5,) * 3, std=(0.25,) * 3)


def test_weights_of_the_constructor_are_the_same_each_time_and_no_generator_moves(net):
    states = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()
    first, second = (made("net.py:build")[0].state_dict() for _ in range(2))
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert torch.equal(torch.get_rng_state(), states[0])
    assert np.random.get_state()[1].tolist() == states[1] and random.getstate() == states[2]


@pytest.mark.parametrize(
    ("name", "args", "message"),
    [
        ("raises", {}, r"expected net.py:raises to make a module, got KeyError: 'gone' in .*:32;"),
        ("leaves", {}, r"got SystemExit: no weights here in .*net.py:36;"),
        ("nothing", {}, "expected net.py:nothing to return an nn.Module, .* got NoneType"),
        ("pair", {}, "got tuple of Net, str"),
        ("number", {}, "expected a function or class named number in net.py, got int"),
        ("instance", {"a": 1}, "named instance in net.py, got Net and arguments"),
        ("needs", {}, r"of needs\(classes\), got none \(missing .*\); .* args={'classes': ...}"),
        ("build", {"clases": 3}, r"of build\(classes=5, width=8\), got clases \(got an unexpected"),
    ],
)
def test_refusals_name_the_line_or_the_arguments(net, name, args, message):
    with pytest.raises(InputError, match=rf"^\[compile\] .*{message}"):
        made(f"net.py:{name}", **args)


def test_a_file_that_fails_names_its_line(net):
    net.write_text("import torch\nimport not_there\ndef build(): pass\n")
    with pytest.raises(InputError, match=r"net.py to run, got ModuleNotFoundError: .* in .*:2;"):
        made("net.py:build")


def test_the_argument_that_is_the_class_count_is_found(net):
    made("net.py:build")
    address = read_address("net.py:build", "compile")
    assert argument_of(address, {}, 5) == "classes"
    assert argument_of(address, {"width": 3}, 3) == "width"
    assert argument_of(address, {}, 77) == "NAME"
