import copy
import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from hvit_edge.errors import InputError
from hvit_edge.lowering.graph import constant_tensor
from hvit_edge.quantize import sqnr
from hvit_edge.quantize.half_casts import CAST
from hvit_edge.quantize.int8 import quantize_int8
from hvit_edge.quantize.layers import find_layers
from hvit_edge.quantize.moments import input_moments
from hvit_edge.quantize.plan import (
    FORMAT,
    Plan,
    apply_plan,
    layer_alone,
    read_plan,
    resolve,
    write_plan,
)
from hvit_edge.quantize.rounded_layers import round_layers
from hvit_edge.targets.executorch import executorch_step
from hvit_edge.targets.xnnpack.lower import lower


class Mixed(nn.Module):
    """A convolution with a ReLU, a depthwise one, and a linear."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU())
        self.mix = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.head = nn.Linear(8, 5)

    def forward(self, x):
        return self.head(self.mix(self.stem(x)).flatten(2).transpose(1, 2))


@pytest.fixture
def mixed(graph_of):
    return graph_of(Mixed(), torch.randn(1, 3, 8, 8))


def names_of(graph):
    return [layer.name for layer in find_layers(graph)]


def count_casts(graph):
    return sum(node.target is CAST for node in graph.graph.nodes)


def test_file_keeps_the_plan(tmp_path):
    plan = Plan({"b*": "int8", "a": "fp32", "ü": "fp16"}, "net")
    write_plan(plan, tmp_path / "plan.json")
    found = read_plan(tmp_path / "plan.json")
    assert (found, list(found.layers)) == (plan, list(plan.layers))
    with pytest.raises(InputError, match="expected a new file"):
        write_plan(plan, tmp_path / "plan.json")
    write_plan(Plan({}), tmp_path / "plan.json", force=True)
    assert read_plan(tmp_path / "plan.json") == Plan({})


def test_repeated_key_counts_where_it_stands_last(tmp_path, mixed):
    stem, mix, head = names_of(mixed)
    text = (
        f'{{"format": "{FORMAT}", "layers": {{"{head}": "int8", "*": "fp16", "{head}": "fp32"}}}}'
    )
    (tmp_path / "plan.json").write_text(text)
    chosen = resolve(read_plan(tmp_path / "plan.json"), find_layers(mixed))
    assert chosen == {stem: "fp16", mix: "fp16", head: "fp32"}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{", "expected a JSON file that can be read"),
        ("[" * 100_000, "expected a JSON file that can be read"),
        ("[]", "got list instead of an object"),
        ('{"format": "hvit-edge plan 2", "layers": {}}', "got format 'hvit-edge plan 2'; correct"),
        (f'{{"format": "{FORMAT}"}}', "layers None instead of an object"),
        (f'{{"format": "{FORMAT}", "layers": {{}}, "modle": ""}}', r"'modle' \(closest: 'model'\)"),
        (f'{{"format": "{FORMAT}", "layers": {{}}, "model": 3}}', "model 3 instead of a string"),
        (f'{{"format": "{FORMAT}", "layers": {{"a": 8}}}}', "layer 'a': 8 instead of a precision"),
    ],
)
def test_file_that_is_no_plan(tmp_path, text, fault):
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(InputError, match=fault):
        read_plan(tmp_path / "plan.json")


def test_all_faults_of_a_file_are_listed(tmp_path):
    (tmp_path / "plan.json").write_text(json.dumps({"layers": {"a": None}, "modle": 1}))
    with pytest.raises(InputError, match=r"format None; unknown key 'modle'.*; layer 'a': None"):
        read_plan(tmp_path / "plan.json")


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        read_plan(tmp_path / "plan.json")


def test_later_entries_override(mixed):
    stem, mix, head = names_of(mixed)
    layers = find_layers(mixed)
    assert resolve(Plan({}), layers) == {stem: "fp32", mix: "fp32", head: "fp32"}
    assert resolve(Plan({"*": "int8", "mix*": "fp16"}), layers) == {
        stem: "int8",
        mix: "fp16",
        head: "int8",
    }
    assert set(resolve(Plan({"mix*": "fp16", "*": "fp32"}), layers).values()) == {"fp32"}


def test_plans_of_earlier_versions_name_the_folded_norm():
    convolution = SimpleNamespace(name="stem.conv:conv2d_40", is_depthwise=False)
    other = SimpleNamespace(name="stem.conv:conv2d_41", is_depthwise=False)
    chosen = resolve(Plan({"stem.norm:conv2d_40": "int8"}), [convolution, other])
    assert chosen == {"stem.conv:conv2d_40": "int8", "stem.conv:conv2d_41": "fp32"}
    for unknown in ("head.norm:conv2d_40", "stem.norm:conv2d_42", "conv2d_40"):
        with pytest.raises(InputError, match="unknown layer"):
            resolve(Plan({unknown: "int8"}), [convolution, other])


def test_all_wrong_entries_are_listed_with_the_closest(mixed):
    stem, mix, head = names_of(mixed)
    plan = Plan({"haed:linear": "int8", stem: "int4", "*.nothing": "fp61", mix: "int8"})
    with pytest.raises(InputError) as caught:
        resolve(plan, find_layers(mixed))
    message = str(caught.value)
    assert "got 5 wrong" in message
    assert f"unknown layer 'haed:linear' (closest: {head!r})" in message
    assert f"{stem!r}: unknown precision 'int4' (closest: 'int8')" in message
    assert "unknown layer '*.nothing'" in message
    assert "'*.nothing': unknown precision 'fp61' (closest: 'fp16')" in message
    assert f"{mix!r}: int8 is impossible for a depthwise convolution" in message


def test_int8_layers_are_those_of_quantize_int8(mixed):
    """To the bit, with the same rounding."""
    inputs = [(torch.randn(1, 3, 8, 8),) for _ in range(4)]
    moments = input_moments(mixed, find_layers(mixed), inputs)
    expected = copy.deepcopy(mixed)
    layers = find_layers(expected)
    chosen = [layers[0], layers[2]]
    quantize_int8(expected, chosen, round_layers(expected, chosen, moments))
    expected.recompile()
    apply_plan(mixed, Plan({"*": "int8", "mix*": "fp32"}), moments)
    assert torch.equal(mixed(*inputs[1]), expected(*inputs[1]))


def test_half_layer_computes_in_half(mixed):
    x = torch.randn(1, 3, 8, 8)
    stem = find_layers(mixed)[0]
    weight, bias = (constant_tensor(mixed, n).half() for n in (stem.weight, stem.bias))
    after = nn.functional.conv2d(x.half(), weight, bias, 2, 1).relu().float()
    mix, head = (
        [constant_tensor(mixed, node) for node in (layer.weight, layer.bias)]
        for layer in find_layers(mixed)[1:]
    )
    maps = nn.functional.conv2d(after, *mix, padding=1, groups=8)
    expected = nn.functional.linear(maps.flatten(2).transpose(1, 2), *head)
    apply_plan(mixed, Plan({"stem*": "fp16"}))
    assert count_casts(mixed) == 2
    assert torch.equal(mixed(x), expected)


def test_no_casts_between_half_neighbours(mixed):
    x = torch.randn(1, 3, 8, 8)
    expected = mixed(x)
    apply_plan(mixed, Plan({"stem*": "fp16", "mix*": "fp16"}))
    assert count_casts(mixed) == 2
    assert sqnr(expected.detach().numpy(), mixed(x).detach().numpy()) > 50


def test_half_constant_beyond_half_precision_is_clamped(graph_of):
    module = nn.Linear(2, 1)
    nn.init.constant_(module.bias, 1e6)
    nn.init.uniform_(module.weight, -1, -0.5)
    graph = graph_of(module, torch.zeros(1, 2))
    apply_plan(graph, Plan({"*": "fp16"}))
    assert float(graph(torch.zeros(1, 2))) == torch.finfo(torch.float16).max


def test_moments_of_an_int8_layer_are_missing(mixed):
    with pytest.raises(InputError, match=r"expected the moments of every int8 layer.*head:linear"):
        apply_plan(mixed, Plan({"head*": "int8"}), {})


def test_layer_alone_is_the_layer(mixed):
    stem = find_layers(mixed)[0]
    x = torch.randn(1, 3, 8, 8)
    module, alone = layer_alone(mixed, stem)
    weight, bias = (constant_tensor(mixed, n) for n in (stem.weight, stem.bias))
    assert torch.equal(module(x), nn.functional.conv2d(x, weight, bias, 2, 1).relu())
    assert (alone.name, alone.geometry) == (stem.name, stem.geometry)


def test_all_precisions_in_one_delegate(tiny_model, tiny_preprocess, graph_of, smooth_images):
    inputs = [(torch.from_numpy(tiny_preprocess(image)),) for image in smooth_images(8)]
    graph = graph_of(tiny_model, inputs[0][0])
    moments = input_moments(graph, find_layers(graph), inputs)
    expected = np.concatenate([graph(*x).detach().numpy() for x in inputs])
    apply_plan(graph, Plan({"attention.*": "int8", "mix*": "fp16", "stem*": "fp16"}), moments)
    chosen = {buffer.dtype for buffer in graph.buffers()}
    assert {torch.int8, torch.float16, torch.float32} <= chosen
    lowered = lower(graph, inputs[0])
    assert (lowered.delegates, lowered.ops_outside) == (1, [])
    run = executorch_step(lowered.serialize())
    got = np.concatenate([run(x[0].numpy()) for x in inputs])
    eager = np.concatenate([graph(*x).detach().numpy() for x in inputs])
    assert sqnr(expected, got) > 22  # as for int8 in test_precision
    assert sqnr(eager, got) > 40  # the kernels round as eager PyTorch does
