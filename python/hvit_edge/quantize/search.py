"""Find the fastest precision of each layer that costs no more accuracy than allowed.

`upgrades` sorts the steps to lower precision: the first k of them save the most time for their
noise. Bisection finds how many of them the accuracy allows; each plan is measured as a unit.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

import torch
from torch import Tensor
from torch.fx import GraphModule

from hvit_edge.errors import InputError
from hvit_edge.progress import Wrap, silent
from hvit_edge.quantize.calibration import Calibration
from hvit_edge.quantize.cost import CostProfile, Runnable, measure_costs
from hvit_edge.quantize.layers import Layer, find_layers
from hvit_edge.quantize.moments import moments_once
from hvit_edge.quantize.plan import Plan, apply_plan, possible_precisions, resolve
from hvit_edge.quantize.rounded_layers import RoundedLayer, round_layers
from hvit_edge.quantize.search_state import SearchState
from hvit_edge.quantize.sensitivity import Sensitivity, measure_sensitivity
from hvit_edge.quantize.upgrades import order_upgrades, saved_ms

DEFAULT_MAX_DROP = 0.5
PLACES = 9  # decimals of a drop in points: 0.985 - 0.98 must not exceed half a point

Tell = Callable[[str], None]
Measuring = Callable[
    [Sequence[Layer], str, Mapping[str, RoundedLayer], Callable[[Sensitivity], None]], None
]
"""Measures layers by themselves in a precision, with their rounded weights, and calls a function
with each result, in any order."""


@dataclass(frozen=True)
class RankedLayer:
    """Holds what the search knows of one layer.

    Attributes:
        layer: the layer's name.
        sensitivity: the sensitivity in int8; for a depthwise convolution, in fp16 if that saves
            time, else None.
        ms: milliseconds by precision, from the cost profile.
        precision: the precision in the plan.
    """

    layer: str
    sensitivity: Sensitivity | None
    ms: Mapping[str, float]
    precision: str

    @property
    def saved_ms(self) -> float:
        """Return the milliseconds that the chosen precision saves."""
        return self.ms["fp32"] - self.ms[self.precision]


@dataclass(frozen=True)
class EvaluatedPlan:
    """Holds the measurements of a plan.

    Attributes:
        steps: how many of the upgrades it takes.
        top1: accuracy on the evaluation data, 0 to 1.
        drop: loss of top-1 against float, in points.
        predicted_noise: sum of the layers' noises.
        predicted_ms: sum of the layers' latencies, in milliseconds.
    """

    steps: int
    top1: float
    drop: float
    predicted_noise: float
    predicted_ms: float


@dataclass(frozen=True)
class SearchResult:
    """Holds the fastest plan within the allowed drop, or the most accurate one if none is.

    Attributes:
        plan: the precision of every layer, by name.
        graph: the given graph with the plan applied, ready to be lowered.
        reached: True if the plan's drop is at most `max_drop`.
        max_drop: the allowed drop in points.
        best: the measurements of the plan.
        float_plan: the measurements of the all-fp32 plan.
        ranking: every layer, the most sensitive first.
        evaluated: the plans that were measured, in order, `float_plan` first.
        costs: the profile that was used.
    """

    plan: Plan
    graph: GraphModule
    reached: bool
    max_drop: float
    best: EvaluatedPlan
    float_plan: EvaluatedPlan
    ranking: tuple[RankedLayer, ...]
    evaluated: tuple[EvaluatedPlan, ...]
    costs: CostProfile

    def to_dict(self) -> dict[str, object]:
        """Return everything except the graph and the profile as plain values."""
        return {
            "layers": dict(self.plan.layers),
            "reached": self.reached,
            "max_drop": self.max_drop,
            "best": asdict(self.best),
            "float": asdict(self.float_plan),
            "ranking": [{**asdict(row), "saved_ms": row.saved_ms} for row in self.ranking],
            "evaluated": [asdict(plan) for plan in self.evaluated],
            "machine": self.costs.machine,
        }


def search(
    graph: GraphModule,
    calibration: Calibration,
    evaluate: Callable[[GraphModule], float],
    costs: CostProfile | Runnable,
    *,
    model: str = "",
    max_drop: float = DEFAULT_MAX_DROP,
    state: SearchState | None = None,
    progress: Wrap = silent,
    tell: Tell = lambda event: None,
    sensitivities: Measuring | None = None,
) -> SearchResult:
    """Search for the plan; a search that was interrupted resumes from `state` with the same result.

    Args:
        graph: a rewritten float32 graph, best an equalised one; left as it is.
        calibration: rounds the weights; its first 32 images measure the sensitivities.
        evaluate: from a graph to its top-1 on labelled images, 0 to 1.
        costs: of the layers on a device, or what measures them on this machine, see
            `measure_costs`.
        model: named in the plan.
        max_drop: points of top-1 that may be lost against `graph`; 0.5 is half a percent.
        state: keeps what is finished; None keeps nothing.
        progress: wraps the loops over layers and calibration images.
        tell: called with a line for each part of the search that begins or ends.
        sensitivities: measures the sensitivities in place of `measure_sensitivity`, for instance on
            other machines.

    Raises:
        InputError: `max_drop` is not finite, `costs` does not have a layer, `evaluate` returns no
            share, or the state cannot be written.
    """
    if not math.isfinite(max_drop):
        raise InputError(f"[search] max_drop: expected a number of points, got {max_drop}")
    found = _Search(graph, calibration, evaluate, costs, state, progress, tell, sensitivities)
    return found.run(model, max_drop)


class _Search:
    def __init__(
        self,
        graph: GraphModule,
        calibration: Calibration,
        evaluate: Callable[[GraphModule], float],
        costs: CostProfile | Runnable,
        state: SearchState | None,
        progress: Wrap,
        tell: Tell,
        measuring: Measuring | None,
    ) -> None:
        self.graph, self.evaluate, self.measuring = graph, evaluate, measuring
        self.progress, self.tell = progress, tell
        self.state = SearchState(None, "") if state is None else state
        self.layers = find_layers(graph)
        self.costs = self._costs(costs)
        inputs = [(torch.from_numpy(array),) for array in calibration.inputs]
        self.rounded = self._rounded(inputs)
        self.sensitivities = self._sensitivities(inputs)
        self.steps = order_upgrades(self.layers, self.costs, self.sensitivities)
        self.evaluated: dict[int, EvaluatedPlan] = {}

    def run(self, model: str, max_drop: float) -> SearchResult:
        float_plan = self._evaluate(0)
        self._bisect(max_drop)
        fitting = [plan for plan in self.evaluated.values() if plan.drop <= max_drop]
        if fitting:
            best = max(fitting, key=lambda plan: plan.steps)
        else:
            best = min(self.evaluated.values(), key=lambda plan: (plan.drop, -plan.steps))
        chosen = self._chosen(best.steps)
        return SearchResult(
            plan=Plan(chosen, model),
            graph=self._applied(chosen),
            reached=bool(fitting),
            max_drop=max_drop,
            best=best,
            float_plan=float_plan,
            ranking=self._ranking(chosen),
            evaluated=tuple(self.evaluated.values()),
            costs=self.costs,
        )

    def _costs(self, given: CostProfile | Runnable) -> CostProfile:
        if isinstance(given, CostProfile):
            given.check(self.layers)
            return given
        self.tell("measure the layers' latency")
        return measure_costs(
            self.graph,
            self.layers,
            given,
            done=self.state.costs,
            on_cost=self.state.add_cost,
            progress=self.progress,
        )

    def _rounded(self, inputs: Sequence[tuple[Tensor, ...]]) -> dict[str, RoundedLayer]:
        """Round every layer that can be int8, once for all plans."""
        self.tell("calibrate")
        wanted = [layer for layer in self.layers if "int8" in possible_precisions(layer)]
        moments = moments_once(self.graph, wanted, inputs, self.progress)
        return round_layers(self.graph, wanted, moments, self.progress)

    def _sensitivities(self, inputs: Sequence[tuple[Tensor, ...]]) -> list[Sensitivity]:
        """Measure in int8 every layer that can be int8, and in fp16 the layers that it makes
        faster.
        """
        self.tell("measure the layers' sensitivity")
        groups = {
            "int8": [x for x in self.layers if "int8" in possible_precisions(x)],
            "fp16": [x for x in self.layers if saved_ms(self.costs.cost_of(x).ms, "fp16") > 0],
        }
        found: list[Sensitivity] = []
        for precision, layers in groups.items():
            if self.measuring is not None:
                self._measure_elsewhere(self.measuring, layers, precision)
            found += measure_sensitivity(
                self.graph,
                layers,
                inputs,
                None,
                precision=precision,
                rounded=self.rounded,
                done=list(self.state.sensitivities),
                on_layer=self.state.add_sensitivity,
                progress=self.progress,
            )
        return found

    def _measure_elsewhere(
        self, measuring: Measuring, layers: Sequence[Layer], precision: str
    ) -> None:
        """Add the results that are missing to the state."""
        known = {each.layer for each in self.state.sensitivities if each.precision == precision}
        missing = [layer for layer in layers if layer.name not in known]
        if missing:
            measuring(missing, precision, self.rounded, self.state.add_sensitivity)

    def _bisect(self, max_drop: float) -> None:
        fits, fails = 0, len(self.steps)
        if self._evaluate(fails).drop <= max_drop:
            return
        while fails - fits > 1:
            middle = (fits + fails) // 2
            if self._evaluate(middle).drop <= max_drop:
                fits = middle
            else:
                fails = middle

    def _evaluate(self, count: int) -> EvaluatedPlan:
        if count not in self.evaluated:
            chosen = self._chosen(count)
            top1 = self._top1(chosen)
            drop = self.evaluated[0].top1 - top1 if count else 0.0
            self.evaluated[count] = plan = EvaluatedPlan(
                steps=count,
                top1=top1,
                drop=round(100 * drop, PLACES),
                predicted_noise=sum(step.noise for step in self.steps[:count]),
                predicted_ms=self.costs.predicted_ms(self.layers, chosen),
            )
            self.tell(
                f"plan of {count} steps: top-1 {100 * top1:.2f}%, drop {plan.drop:.2f} points,"
                f" predicted noise {plan.predicted_noise:.3g} and {plan.predicted_ms:.3f} ms"
            )
        return self.evaluated[count]

    def _top1(self, chosen: Mapping[str, str]) -> float:
        known = self.state.evaluation(chosen)
        if known is not None:
            return known
        top1 = float(self.evaluate(self._applied(chosen)))
        if not 0 <= top1 <= 1:
            raise InputError(f"[search] evaluate: expected a share from 0 to 1, got {top1}")
        self.state.add_evaluation(chosen, top1)
        return top1

    def _chosen(self, count: int) -> dict[str, str]:
        taken = {step.layer: step.precision for step in self.steps[:count]}
        return resolve(Plan(taken), self.layers)

    def _applied(self, chosen: Mapping[str, str]) -> GraphModule:
        graph = copy.deepcopy(self.graph)
        apply_plan(graph, Plan(chosen), rounded=self.rounded)
        return graph

    def _ranking(self, chosen: Mapping[str, str]) -> tuple[RankedLayer, ...]:
        # the int8 result of a layer overrides its fp16 one
        found = {item.layer: item for item in reversed(self.sensitivities)}
        rows = [
            RankedLayer(x.name, found.get(x.name), self.costs.cost_of(x).ms, chosen[x.name])
            for x in self.layers
        ]
        return tuple(sorted(rows, key=lambda r: -r.sensitivity.noise if r.sensitivity else 1.0))
