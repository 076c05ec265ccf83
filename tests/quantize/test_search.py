import itertools
import math

import numpy as np
import pytest
import torch
from torch import nn

from hvit_edge.errors import InputError
from hvit_edge.quantize import Calibration, cost, rounded_layers
from hvit_edge.quantize.cost import CostProfile, LayerCost, signature_of
from hvit_edge.quantize.half_casts import CAST
from hvit_edge.quantize.int8_operators import LINEAR
from hvit_edge.quantize.layers import find_layers
from hvit_edge.quantize.moments import input_moments
from hvit_edge.quantize.plan import Plan, apply_plan, possible_precisions
from hvit_edge.quantize.rounding import round_weight
from hvit_edge.quantize.search import search
from hvit_edge.quantize.search_state import SearchState
from hvit_edge.quantize.sensitivity import Sensitivity, measure_sensitivity
from hvit_edge.quantize.upgrades import order_upgrades

WIDTHS = (4, 5, 6, 7, 8, 3)
LAYERS = len(WIDTHS) - 1
MADE_UP = [  # milliseconds: the third layer gains nothing, the fourth only in fp16
    {"fp32": 5.0, "int8": 2.0, "fp16": 4.0},
    {"fp32": 4.0, "int8": 3.0},
    {"fp32": 1.0, "int8": 1.5, "fp16": 1.0},
    {"fp32": 6.0, "int8": 7.0, "fp16": 3.0},
    {"fp32": 2.0, "int8": 0.5, "fp16": 1.0},
]


@pytest.fixture
def graph(graph_of):
    pairs = itertools.pairwise(WIDTHS)
    return graph_of(nn.Sequential(*(nn.Linear(*pair) for pair in pairs)), torch.randn(1, 4))


@pytest.fixture
def calibration():
    rng = np.random.default_rng(0)
    return Calibration(tuple(rng.normal(size=(1, 4)).astype("f4") for _ in range(8)))


def profile_of(graph, times=MADE_UP):
    names = [signature_of(layer) for layer in find_layers(graph)]
    return CostProfile("made up", {n: LayerCost(n, ms) for n, ms in zip(names, times, strict=True)})


def lowered_layers(graph):
    """Count the layers in int8 or fp16; the latter end in one cast each, or share one."""
    targets = [node.target for node in graph.graph.nodes]
    half = sum(
        node.args[1].meta["val"].dtype is torch.float16
        for node in graph.graph.nodes
        if node.target is torch.ops.aten.linear.default
    )
    assert (CAST in targets) == (half > 0)
    return targets.count(LINEAR) + half


class Evaluate:
    """A made-up top-1: each lower layer costs more than the one before."""

    def __init__(self, per_layer=0.001, hook=lambda: None) -> None:
        self.per_layer, self.hook, self.counts = per_layer, hook, []

    def __call__(self, graph):
        self.hook()
        self.counts.append(lowered_layers(graph))
        return 0.9 - self.per_layer * self.counts[-1] ** 2


def made_up_noises(layers, rng):
    found = []
    for layer in layers:
        small, large = sorted(rng.exponential(size=2))
        found.append(Sensitivity(layer.name, "int8", large, 30.0, 1.0))
        found.append(Sensitivity(layer.name, "fp16", small, 60.0, 1.0))
    return found


@pytest.mark.parametrize("seed", range(20))
def test_no_assignment_of_as_little_noise_saves_more(graph, seed):
    """Each prefix against all 3^5 assignments."""
    rng, layers = np.random.default_rng(seed), find_layers(graph)
    times = [dict(zip(("fp32", "int8", "fp16"), rng.uniform(1, 9, 3))) for _ in layers]  # noqa: B905
    noises = made_up_noises(layers, rng)
    noise_of = {(found.layer, found.precision): found.noise for found in noises}
    totals = []
    for precisions in itertools.product(("fp32", "fp16", "int8"), repeat=len(layers)):
        taken = list(zip(layers, precisions, times, strict=True))
        noise = sum(noise_of.get((layer.name, p), 0.0) for layer, p, _ in taken)
        totals.append((noise, sum(ms["fp32"] - ms[p] for _, p, ms in taken)))
    steps = order_upgrades(layers, profile_of(graph, times), noises)
    noise = saved = 0.0
    for step in steps:
        noise, saved = noise + step.noise, saved + step.saved_ms
        most = max(s for n, s in totals if n <= noise + 1e-9)
        assert saved == pytest.approx(most, rel=1e-9)
    assert saved == pytest.approx(sum(ms["fp32"] - min(ms.values()) for ms in times))


def test_order_of_upgrades(graph):
    """One that saves nothing or overflows is left out; one without noise comes first."""
    layers = find_layers(graph)
    noises = [
        Sensitivity(layers[0].name, "int8", 3.0, 0.0, 1.0),  # 3 ms: 1 per noise
        Sensitivity(layers[0].name, "fp16", 2.0, 0.0, 1.0),  # 1 ms: below the line to int8
        Sensitivity(layers[1].name, "int8", 0.0, 0.0, 1.0),
        Sensitivity(layers[2].name, "int8", 0.1, 0.0, 1.0),  # slower
        Sensitivity(layers[3].name, "fp16", math.inf, -math.inf, 0.0),
        Sensitivity(layers[4].name, "int8", 1.1, 0.0, 1.0),  # 0.5 ms for 1.0 more than fp16
        Sensitivity(layers[4].name, "fp16", 0.1, 0.0, 1.0),  # 1 ms: 10 per noise
    ]
    steps = order_upgrades(layers, profile_of(graph), noises)
    places = {layer.name: index for index, layer in enumerate(layers)}
    assert [(places[step.layer], step.precision) for step in steps] == [
        (1, "int8"),
        (4, "fp16"),
        (0, "int8"),
        (4, "int8"),
    ]
    assert [step.saved_ms for step in steps] == [1.0, 1.0, 3.0, 0.5]
    assert [step.noise for step in steps] == pytest.approx([0.0, 0.1, 3.0, 1.0])


def test_everything_that_saves_time_where_accuracy_allows(graph, calibration):
    code, evaluate = graph.code, Evaluate(0.0)
    result = search(graph, calibration, evaluate, costs=profile_of(graph), model="net")
    assert list(result.plan.layers.values()) == ["int8", "int8", "fp32", "fp16", "int8"]
    assert evaluate.counts == [0, 4]
    assert (result.reached, result.best.drop, result.plan.model) == (True, 0.0, "net")
    assert result.float_plan.predicted_ms == 5 + 4 + 1 + 6 + 2
    assert result.best.predicted_ms == 2 + 3 + 1 + 3 + 0.5
    assert graph.code == code


def test_result_is_what_its_plan_makes_of_the_graph(graph, calibration):
    result = search(graph, calibration, Evaluate(0.0), costs=profile_of(graph))
    inputs = [(torch.from_numpy(array),) for array in calibration.inputs]
    apply_plan(graph, result.plan, input_moments(graph, find_layers(graph), inputs))
    assert torch.equal(graph(*inputs[0]), result.graph(*inputs[0]))


def test_each_layer_is_rounded_once_for_all_plans(graph, calibration, monkeypatch):
    made = []

    def count(weight, *arguments):
        made.append(weight)
        return round_weight(weight, *arguments)

    monkeypatch.setattr(rounded_layers, "round_weight", count)
    evaluate = Evaluate(0.001)
    search(graph, calibration, evaluate, costs=profile_of(graph), max_drop=0.5)
    assert len(evaluate.counts) > 2, "several plans with int8"
    assert len(made) == sum("int8" in possible_precisions(x) for x in find_layers(graph))


def test_predicted_noise_and_ranking(graph, calibration):
    result = search(graph, calibration, Evaluate(0.0), costs=profile_of(graph))
    layers = find_layers(graph)
    inputs = [(torch.from_numpy(array),) for array in calibration.inputs]
    moments = input_moments(graph, layers, inputs)
    int8 = measure_sensitivity(graph, layers, inputs, moments)
    half = measure_sensitivity(graph, layers[3:4], inputs, moments, precision="fp16")
    taken = [int8[0], int8[1], half[0], int8[4]]
    assert result.best.predicted_noise == pytest.approx(sum(item.noise for item in taken))
    expected = sorted(int8, key=lambda item: -item.noise)
    assert [row.sensitivity for row in result.ranking] == expected
    rows = {row.layer: row for row in result.ranking}
    assert [rows[layer.name].saved_ms for layer in layers] == [3.0, 1.0, 0.0, 3.0, 1.5]


@pytest.mark.parametrize("max_drop", [0.0, 0.1, 0.3, 0.4, 1.0, 1.5, 1.6, 9.0])
def test_the_longest_plan_within_the_drop(graph, calibration, max_drop):
    """Against trying every number of layers; one tenth of a point times its square each."""
    times = [{"fp32": 2.0 + index, "int8": 1.0} for index in range(LAYERS)]
    evaluate = Evaluate()
    result = search(graph, calibration, evaluate, costs=profile_of(graph, times), max_drop=max_drop)
    allowed = max(k for k in range(LAYERS + 1) if 0.1 * k * k <= max_drop + 1e-12)
    assert lowered_layers(result.graph) == result.best.steps == allowed
    assert result.reached
    assert result.best.drop == pytest.approx(0.1 * allowed**2)
    assert len(evaluate.counts) == len(set(evaluate.counts)) == len(result.evaluated)


def test_half_a_point_exactly_is_within_half_a_point(graph, calibration):
    """100 * (0.985 - 0.98) is more than 0.5 in binary."""
    result = search(
        graph,
        calibration,
        lambda given: 0.98 if lowered_layers(given) else 0.985,
        costs=profile_of(graph),
        max_drop=0.5,
    )
    assert result.best.drop == 0.5
    assert lowered_layers(result.graph) == 4


def test_drop_that_no_plan_reaches(graph, calibration):
    result = search(graph, calibration, Evaluate(), costs=profile_of(graph), max_drop=-0.1)
    assert not result.reached
    assert result.best == result.float_plan
    assert set(result.plan.layers.values()) == {"fp32"}


def test_gain_beyond_float_is_the_best_plan(graph, calibration):
    """Top-1 may rise: then the most accurate plan is not the float one."""
    evaluate = Evaluate(-0.0001)
    result = search(graph, calibration, evaluate, costs=profile_of(graph), max_drop=-1.0)
    assert (result.reached, result.best.drop) == (False, -0.01 * 16)
    evaluate = Evaluate(-0.0001)
    result = search(graph, calibration, evaluate, costs=profile_of(graph), max_drop=-0.1)
    assert (result.reached, lowered_layers(result.graph)) == (True, 4)


def test_nothing_saves_time(graph, calibration):
    evaluate = Evaluate()
    costs = profile_of(graph, [{"fp32": 1.0, "int8": 1.0}] * LAYERS)
    result = search(graph, calibration, evaluate, costs=costs)
    assert (evaluate.counts, result.reached, result.best.steps) == ([0], True, 0)


def test_depthwise_without_fp16_has_no_sensitivity(graph_of):
    graph = graph_of(nn.Conv2d(2, 2, 3, groups=2), torch.randn(1, 2, 4, 4))
    calibration = Calibration((np.ones((1, 2, 4, 4), np.float32),))
    costs = profile_of(graph, [{"fp32": 2.0}])
    result = search(graph, calibration, lambda given: 1.0, costs=costs)
    assert [(row.sensitivity, row.precision) for row in result.ranking] == [(None, "fp32")]


def test_refusals(graph, calibration):
    def never(given):
        raise AssertionError("evaluated")

    lacking = CostProfile("a phone", dict(list(profile_of(graph).costs.items())[1:]))
    with pytest.raises(InputError, match=rf"a phone without 1.*\n  {find_layers(graph)[0].name}: "):
        search(graph, calibration, never, costs=lacking)
    with pytest.raises(InputError, match="max_drop: expected a number of points, got nan"):
        search(graph, calibration, never, costs=profile_of(graph), max_drop=math.nan)
    with pytest.raises(InputError, match="evaluate: expected a share from 0 to 1, got 90.0"):
        search(graph, calibration, lambda given: 90.0, costs=profile_of(graph))


def never_lowered(graph, inputs):
    raise AssertionError("costs come from the table")


class Interrupt:
    """Raises at the given one of all calls of `tick`; `wrap` ticks before each item."""

    def __init__(self, at=0) -> None:
        self.left = at

    def tick(self, *event):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt

    def wrap(self, items, total):
        for item in items:
            self.tick()
            yield item


def run_search(graph, calibration, path, interrupt, costs):
    evaluate = Evaluate(hook=interrupt.tick)
    state = SearchState(path, "digest")
    try:
        result = search(
            graph,
            calibration,
            evaluate,
            costs=costs,
            state=state,
            progress=interrupt.wrap,
            tell=interrupt.tick,
        )
    except KeyboardInterrupt:
        return None, evaluate.counts
    return result, evaluate.counts


def fake_costs(monkeypatch, graph):
    """Measured costs from the table; gives the list of the layers measured."""
    measured, table = [], profile_of(graph).costs

    def measure(graph, layer, runnable, precisions, rounds):
        measured.append(layer.name)
        return table[signature_of(layer)].ms

    monkeypatch.setattr(cost, "_measure", measure)
    return measured


def test_interrupted_anywhere_it_ends_the_same(graph, calibration, tmp_path, monkeypatch):
    """At every event: costs, calibration, sensitivities and evaluations; nothing is done twice."""
    measured = fake_costs(monkeypatch, graph)
    counter = Interrupt()
    whole, counts = run_search(graph, calibration, tmp_path / "whole.json", counter, never_lowered)
    events = -counter.left
    assert events > 30
    for at in range(1, events + 1):
        measured.clear()
        path = tmp_path / f"{at}.json"
        first, before = run_search(graph, calibration, path, Interrupt(at), never_lowered)
        assert first is None
        again, after = run_search(graph, calibration, path, Interrupt(), never_lowered)
        assert again.to_dict() == {**whole.to_dict(), "machine": again.costs.machine}
        x = torch.from_numpy(calibration.inputs[0])
        assert torch.equal(again.graph(x), whole.graph(x))
        assert before + after == counts
        assert measured == [layer.name for layer in find_layers(graph)]
        assert path.read_bytes() == (tmp_path / "whole.json").read_bytes()


def test_finished_search_evaluates_nothing(graph, calibration, tmp_path):
    costs, path = profile_of(graph), tmp_path / "state.json"
    whole, _ = run_search(graph, calibration, path, Interrupt(), costs)
    again, counts = run_search(graph, calibration, path, Interrupt(), costs)
    assert (again.to_dict(), counts) == (whole.to_dict(), [])


def test_plan_of_the_result_is_complete(graph, calibration):
    """Every layer by name, so that the file can be edited."""
    result = search(graph, calibration, Evaluate(), costs=profile_of(graph), max_drop=0.1)
    assert list(result.plan.layers) == [layer.name for layer in find_layers(graph)]
    assert isinstance(result.plan, Plan)


def test_sensitivities_may_be_measured_elsewhere(graph, calibration, tmp_path):
    """In any order, only those that the state does not have, and with the same result."""
    inputs = [(torch.from_numpy(array),) for array in calibration.inputs]
    asked = []

    def measuring(layers, precision, rounded, add):
        asked.append((precision, [layer.name for layer in layers]))
        found = measure_sensitivity(
            graph, layers, inputs, None, precision=precision, rounded=rounded
        )
        for one in reversed(found):
            add(one)

    def run(state, elsewhere):
        evaluate, costs = Evaluate(), profile_of(graph)
        return search(graph, calibration, evaluate, costs, state=state, sensitivities=elsewhere)

    path = tmp_path / "state.json"
    plain = run(None, None).to_dict()
    assert run(SearchState(path, "d"), measuring).to_dict() == plain
    assert [precision for precision, _ in asked] == ["int8", "fp16"]
    assert len(asked[0][1]) == LAYERS
    assert run(SearchState(path, "d"), measuring).to_dict() == plain
    assert len(asked) == 2, "the state has all"
