import json
import sys

import numpy as np
import pytest
import torch
from torch import nn

from hvit_edge.errors import InputError
from hvit_edge.quantize import cost, sqnr
from hvit_edge.quantize.cost import FORMAT, CostProfile, LayerCost, measure_costs, signature_of
from hvit_edge.quantize.layers import find_layers
from hvit_edge.targets.xnnpack.target import runnable


class Repeated(nn.Module):
    """Two linears of one shape, and a depthwise convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Conv2d(4, 4, 3, padding=1, groups=4)
        self.first, self.second = nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x):
        return self.second(self.first(self.mix(x)))


@pytest.fixture
def repeated(graph_of):
    return graph_of(Repeated(), torch.randn(1, 4, 8, 8))


@pytest.fixture
def timed(monkeypatch):
    """Programs that take as long as a table says on a clock of their own; gives the calls."""
    calls, clock = [], [0.0]

    def use(seconds):
        def step_of(precision, inputs):
            def step(array):
                calls.append(precision)
                clock[0] += seconds(precision, calls.count(precision))

            return step

        monkeypatch.setattr(cost, "_alone", lambda graph, layer, precision: precision)
        monkeypatch.setattr(sys.modules[__name__], "runnable", step_of)
        monkeypatch.setattr(cost.time, "perf_counter", lambda: clock[0])
        return calls

    return use


def signature_in(graph_of, module, *shape):
    return [signature_of(layer) for layer in find_layers(graph_of(module, torch.randn(shape)))]


def test_signature_tells_what_costs_differently(graph_of):
    conv = nn.Conv2d
    found = [
        signature_in(graph_of, conv(4, 4, 3), 1, 4, 8, 8),
        signature_in(graph_of, conv(4, 4, 3), 1, 4, 8, 9),
        signature_in(graph_of, conv(4, 4, 3, 2), 1, 4, 8, 8),
        signature_in(graph_of, conv(4, 4, 3, padding=1), 1, 4, 8, 8),
        signature_in(graph_of, conv(4, 4, 3, dilation=2), 1, 4, 8, 8),
        signature_in(graph_of, conv(4, 4, 3, groups=2), 1, 4, 8, 8),
        signature_in(graph_of, nn.Sequential(conv(4, 4, 3), nn.ReLU()), 1, 4, 8, 8),
        signature_in(graph_of, nn.Linear(8, 4), 4, 8),
    ]
    assert found[0] == ["conv2d 4x4x3x3 on 1x4x8x8 stride 1x1 padding 0x0 dilation 1x1 groups 1"]
    assert found[6] == [found[0][0] + " relu"]
    assert found[7] == ["linear 4x8 on 4x8"]
    assert len({name for (name,) in found}) == len(found)


def test_the_best_round_counts_and_precisions_take_turns(repeated, timed):
    """Round n of a precision takes 10 ms more or less: only the least is kept."""
    base = {"fp32": 0.5, "fp16": 0.4, "int8": 0.2}
    late = {3: 0.01, 4: -0.01}  # calls 1 and 2 warm up and set the number of repeats
    calls = timed(lambda precision, call: base[precision] + late.get(call, 0.0))
    layers = find_layers(repeated)[1:2]
    profile = measure_costs(repeated, layers, runnable, rounds=3)
    assert profile.cost_of(layers[0]).ms == pytest.approx({"int8": 190, "fp16": 390, "fp32": 490})
    assert calls[-9:] == ["int8", "fp16", "fp32"] * 3


def test_short_samples_are_repeated(repeated, timed):
    calls = timed(lambda precision, call: 0.25e-3)
    layers = find_layers(repeated)[:1]
    profile = measure_costs(repeated, layers, runnable, rounds=1)
    assert calls[-8:] == ["fp16"] * 4 + ["fp32"] * 4
    assert profile.cost_of(layers[0]).ms == pytest.approx({"fp16": 0.25, "fp32": 0.25})


def test_each_distinct_layer_is_measured_once_where_it_is_possible(repeated, timed):
    timed(lambda precision, call: 0.1)
    layers, new = find_layers(repeated), []
    profile = measure_costs(repeated, layers, runnable, on_cost=new.append)
    assert [list(item.ms) for item in new] == [["fp16", "fp32"], ["int8", "fp16", "fp32"]]
    assert list(profile.costs) == [signature_of(layer) for layer in layers[:2]]
    again = measure_costs(repeated, layers, runnable, done=new[:1], on_cost=new.append)
    assert [item.signature for item in new[2:]] == [new[1].signature]
    assert list(again.costs) == list(profile.costs)
    few = measure_costs(repeated, layers, runnable, precisions=["int8"])
    assert [list(item.ms) for item in few.costs.values()] == [["fp32"], ["int8", "fp32"]]


def test_real_programs_are_timed(repeated):
    layers = find_layers(repeated)[1:2]
    profile = measure_costs(repeated, layers, runnable, rounds=2, precisions=["int8"])
    ms = profile.cost_of(layers[0]).ms
    assert set(ms) == {"fp32", "int8"}
    assert all(0 < value < 1000 for value in ms.values())
    assert profile.machine == cost.machine_name() != ""


@pytest.mark.parametrize(("precision", "least"), [("fp32", 110), ("fp16", 50), ("int8", 30)])
def test_the_program_of_a_layer_computes_it(graph_of, precision, least):
    module, x = nn.Sequential(nn.Conv2d(4, 6, 3), nn.ReLU()), torch.randn(1, 4, 8, 8)
    graph = graph_of(module, x)
    run = runnable(cost._alone(graph, find_layers(graph)[0], precision), (x,))
    assert sqnr(module(x).detach().numpy(), run(x.numpy())) > least


def test_rounds_below_one(repeated):
    with pytest.raises(InputError, match="rounds: expected 1 or more, got 0"):
        measure_costs(repeated, find_layers(repeated), runnable, rounds=0)


@pytest.fixture
def profile(repeated):
    mix, first, _ = map(signature_of, find_layers(repeated))
    costs = [
        LayerCost(mix, {"fp32": 3.0, "fp16": 2.0}),
        LayerCost(first, {"fp32": 1.5, "int8": 0.25}),
    ]
    return CostProfile("a phone", {item.signature: item for item in costs})


def test_prediction_is_the_sum_over_layers(repeated, profile):
    layers = find_layers(repeated)
    mix, first, second = (layer.name for layer in layers)
    chosen = {mix: "fp16", first: "int8", second: "fp32"}
    assert profile.predicted_ms(layers, chosen) == 2.0 + 0.25 + 1.5
    with pytest.raises(InputError, match=rf"a phone without {first} in fp16, {second} in fp16;"):
        profile.predicted_ms(layers, {mix: "fp16", first: "fp16", second: "fp16"})


def test_profile_file_keeps_the_profile(tmp_path, profile):
    profile.save(tmp_path / "costs.json")
    assert CostProfile.load(tmp_path / "costs.json") == profile
    with pytest.raises(InputError, match="expected a new file"):
        profile.save(tmp_path / "costs.json")


def test_all_layers_that_a_profile_lacks_are_named(repeated, profile):
    layers = find_layers(repeated)
    only = CostProfile("a phone", dict([next(iter(profile.costs.items()))]))
    with pytest.raises(InputError) as caught:
        only.check(layers)
    assert "a phone without 2 of them" in str(caught.value)
    assert all(f"{layer.name}: linear 8x8" in str(caught.value) for layer in layers[1:])
    with pytest.raises(InputError, match=f"without 1 of them.*\n  {layers[1].name}: "):
        only.cost_of(layers[1])


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ([], "as its format, got another one"),
        ({"format": "hvit-edge plan 1"}, "as its format, got another one"),
        ({"format": FORMAT, "machine": 3, "costs": []}, "expected the name of a machine"),
        ({"format": FORMAT, "machine": "m", "costs": {}}, "expected the name of a machine"),
    ]
    + [
        ({"format": FORMAT, "machine": "m", "costs": [entry]}, "expected a signature and positive")
        for entry in (
            3,
            {"ms": {"fp32": 1.0}},
            {"signature": "s", "ms": {"int8": 1.0}},
            {"signature": "s", "ms": {"fp32": 0}},
            {"signature": "s", "ms": {"fp32": -1.0}},
            {"signature": "s", "ms": {"fp32": True}},
            {"signature": "s", "ms": {"fp32": np.inf}},
            {"signature": "s", "ms": {"fp32": np.nan}},
            {"signature": "s", "ms": {"fp32": 10**400}},
            {"signature": "s", "ms": {"fp32": 1.0, "int4": 1.0}},
            {"signature": "s", "ms": {"fp32": 1.0}, "more": 1},
        )
    ],
)
def test_file_that_is_no_profile(tmp_path, content, fault):
    (tmp_path / "costs.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=fault):
        CostProfile.load(tmp_path / "costs.json")


@pytest.mark.parametrize("text", ["{", "\x00", "[" * 100_000])
def test_file_that_is_no_json(tmp_path, text):
    (tmp_path / "costs.json").write_text(text)
    with pytest.raises(InputError, match="expected a JSON file that can be read"):
        CostProfile.load(tmp_path / "costs.json")
