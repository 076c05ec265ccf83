"""Measure the cost of each layer in each precision on this machine, or read it from a profile.

    {
      "format": "hvit-edge costs 1",
      "machine": "AMD EPYC, 2 CPUs",
      "costs": [{"signature": "linear 48x16 on 1x64x16", "ms": {"fp32": 0.02, "int8": 0.01}}]
    }

A profile of another device is such a file. A precision that is missing in it is one that the device
does not have. The latency of a network is assumed to be the sum of the latencies of its layers: the
operators between them cost the same in every plan.
"""

from __future__ import annotations

import json
import math
import os
import platform
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.fx import GraphModule

from hvit_edge.artifact.container import write_atomically
from hvit_edge.errors import InputError
from hvit_edge.lowering.graph import shape_of
from hvit_edge.progress import Wrap, silent
from hvit_edge.quantize.layers import Layer
from hvit_edge.quantize.plan import (
    LAYER_PRECISIONS,
    layer_alone,
    possible_precisions,
    set_precisions,
)

FORMAT = "hvit-edge costs 1"
ROUNDS = 15
SHORTEST_SAMPLE = 1e-3  # seconds; shorter samples are repeated within a round
MOST_REPEATS = 64
LONGEST = 1e9  # milliseconds

Step = Callable[[np.ndarray], np.ndarray]
Runnable = Callable[[GraphModule, tuple[torch.Tensor, ...]], Step]
"""Lowers a graph, and returns a function that runs its program."""


@dataclass(frozen=True)
class LayerCost:
    """Holds the milliseconds of one inference of a layer, by precision; "fp32" is
    always present.
    """

    signature: str
    ms: Mapping[str, float]


def signature_of(layer: Layer) -> str:
    """Return all that determines a layer's cost: operator, shapes, geometry, and a
    following ReLU.
    """
    kind, extra = ("linear", "") if layer.is_linear else ("conv2d", f" {_moves(layer)}")
    relu = " relu" if layer.output is not layer.node else ""
    weight, source = _shape(shape_of(layer.weight)), _shape(shape_of(layer.source))
    return f"{kind} {weight} on {source}{extra}{relu}"


def _moves(layer: Layer) -> str:
    how = layer.geometry
    parts = {"stride": how.stride, "padding": how.padding, "dilation": how.dilation}
    return " ".join(f"{k} {_shape(v)}" for k, v in parts.items()) + f" groups {how.groups}"


def _shape(sides: Sequence[int]) -> str:
    return "x".join(map(str, sides))


@dataclass(frozen=True)
class CostProfile:
    """Holds the costs of layers on one machine.

    Attributes:
        machine: the name of the machine, for the reader.
        costs: the costs by signature.
    """

    machine: str
    costs: Mapping[str, LayerCost]

    def check(self, layers: Iterable[Layer]) -> None:
        """Refuse layers that the profile does not have.

        Raises:
            InputError: layers are missing; all of them are named.
        """
        missing = [layer for layer in layers if signature_of(layer) not in self.costs]
        if missing:
            listed = "".join(f"\n  {layer.name}: {signature_of(layer)}" for layer in missing)
            raise InputError(
                "[costs] expected a profile with every layer of this network, got the one of"
                f" {self.machine} without {len(missing)} of them; measure this network there:"
                f"{listed}"
            )

    def cost_of(self, layer: Layer) -> LayerCost:
        """Return the cost of one layer.

        Raises:
            InputError: the profile does not have the layer.
        """
        self.check([layer])
        return self.costs[signature_of(layer)]

    def predicted_ms(self, layers: Sequence[Layer], chosen: Mapping[str, str]) -> float:
        """Return the milliseconds of all `layers` in the precisions that `resolve` returned.

        Raises:
            InputError: the profile does not have a layer, or not in its precision.
        """
        self.check(layers)
        costs = [(layer, self.cost_of(layer).ms, chosen[layer.name]) for layer in layers]
        unknown = [f"{layer.name} in {wanted}" for layer, ms, wanted in costs if wanted not in ms]
        if unknown:
            raise InputError(
                "[costs] expected a profile with every precision of the plan, got the one of"
                f" {self.machine} without {', '.join(unknown)}; choose other precisions or"
                " measure these"
            )
        return sum(ms[wanted] for _, ms, wanted in costs)

    def save(self, path: str | Path, *, force: bool = False) -> None:
        """Write the profile to a file.

        Raises:
            InputError: the file exists and `force` is not set, or it cannot be written.
        """
        costs = [{"signature": c.signature, "ms": dict(c.ms)} for c in self.costs.values()]
        content = {"format": FORMAT, "machine": self.machine, "costs": costs}
        text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        write_atomically(Path(path), text.encode(), force=force)

    @classmethod
    def load(cls, path: str | Path) -> CostProfile:
        """Read a profile that `save` wrote.

        Raises:
            InputError: the file cannot be read or does not have the form of a profile.
        """
        try:
            content = json.loads(Path(path).read_text("utf-8-sig"))
        except (OSError, ValueError, RecursionError) as error:
            raise InputError(
                f"[costs] {path}: expected a JSON file that can be read, got {error};"
                " save a profile on the device and pass its path"
            ) from error
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise InputError(
                f"[costs] {path}: expected a file with {FORMAT!r} as its format, got another one;"
                " save a profile on the device and pass its path"
            )
        machine, entries = content.get("machine"), content.get("costs")
        if not isinstance(machine, str) or not isinstance(entries, list):
            raise InputError(
                f"[costs] {path}: expected the name of a machine and a list of costs, got"
                f" {str(machine)[:80]!r} and {str(entries)[:80]!r}; save the profile again"
            )
        costs = [parse_cost(entry, f"[costs] {path}") for entry in entries]
        return cls(machine, {cost.signature: cost for cost in costs})


def parse_cost(entry: Any, where: str) -> LayerCost:
    """Return a cost from its form in files.

    Raises:
        InputError: the entry does not have this form; the message begins with `where`.
    """
    ms = entry.get("ms") if isinstance(entry, dict) else None
    if (
        not isinstance(ms, dict)
        or not isinstance(entry.get("signature"), str)
        or entry.keys() != {"signature", "ms"}
        or "fp32" not in ms
        or not all(key in LAYER_PRECISIONS and _is_time(value) for key, value in ms.items())
    ):
        raise InputError(
            f"{where}: expected a signature and positive milliseconds for fp32 and other"
            f" precisions, got {json.dumps(entry)[:200]}; correct or delete it"
        )
    return LayerCost(entry["signature"], {key: float(value) for key, value in ms.items()})


def _is_time(value: Any) -> bool:
    return type(value) in (int, float) and 0 < value < LONGEST


def machine_name() -> str:
    """Return the processor's name and the number of CPUs that this process may use."""
    try:
        found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    name = found[1].strip() if found else platform.processor() or platform.machine()
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{name}, {cpus} CPUs"


def measure_costs(
    graph: GraphModule,
    layers: Sequence[Layer],
    runnable: Runnable,
    *,
    precisions: Sequence[str] = LAYER_PRECISIONS,
    rounds: int = ROUNDS,
    done: Iterable[LayerCost] = (),
    on_cost: Callable[[LayerCost], None] = lambda cost: None,
    progress: Wrap = silent,
) -> CostProfile:
    """Time each distinct layer by itself, in each precision that it can have, with ExecuTorch.

    The precisions take turns, and the best round counts; both make up for other load. A convolution
    by itself also changes the layout of its input and output, which costs the same in each
    precision.

    Args:
        graph: a rewritten float32 graph, left as it is.
        layers: of `find_layers(graph)`.
        runnable: lowers the graph of one layer, and returns a function that runs its program.
        precisions: those to time beside fp32; a precision that is left out is not chosen.
        rounds: how often each is timed.
        done: what is known already; layers of these signatures are skipped.
        on_cost: called with each new result.
        progress: wraps the loop over the distinct layers that are left.

    Raises:
        InputError: `rounds` is less than one.
        LoweringError: a layer cannot be lowered.
    """
    if rounds < 1:
        raise InputError(f"[costs] rounds: expected 1 or more, got {rounds}")
    distinct = {signature_of(layer): layer for layer in reversed(layers)}
    costs = {cost.signature: cost for cost in done}
    left = [layer for name, layer in reversed(distinct.items()) if name not in costs]
    for layer in progress(left, len(left)):
        measured = _measure(graph, layer, runnable, precisions, rounds)
        cost = LayerCost(signature_of(layer), measured)
        costs[cost.signature] = cost
        on_cost(cost)
    return CostProfile(machine_name(), {name: costs[name] for name in reversed(distinct)})


def _measure(
    graph: GraphModule,
    layer: Layer,
    runnable: Runnable,
    precisions: Sequence[str],
    rounds: int,
) -> dict[str, float]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(shape_of(layer.source), generator=generator)
    wanted = [name for name in possible_precisions(layer) if name in ("fp32", *precisions)]
    steps = {name: runnable(_alone(graph, layer, name), (x,)) for name in wanted}
    repeats = {name: _repeats(step, x.numpy()) for name, step in steps.items()}
    best = dict.fromkeys(steps, math.inf)
    for _ in range(rounds):
        for name, step in steps.items():
            best[name] = min(best[name], _seconds(step, x.numpy(), repeats[name]))
    return {name: 1000 * seconds for name, seconds in best.items()}


def _alone(graph: GraphModule, layer: Layer, precision: str) -> GraphModule:
    module, alone = layer_alone(graph, layer)
    set_precisions(module, [alone], {alone.name: precision}, None)
    module.recompile()
    return module


def _repeats(step: Step, array: np.ndarray) -> int:
    step(array)  # the first run also allocates
    wanted = math.ceil(SHORTEST_SAMPLE / max(_seconds(step, array, 1), 1e-9))
    return max(1, min(wanted, MOST_REPEATS))


def _seconds(step: Step, array: np.ndarray, repeats: int) -> float:
    """Return the seconds of one inference, as the mean of `repeats`."""
    start = time.perf_counter()
    for _ in range(repeats):
        step(array)
    return (time.perf_counter() - start) / repeats
