"""Lower a rewritten graph for the XNNPACK delegate, which runs on any CPU."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from typing import TypeVar

import torch
from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
from torch.fx import GraphModule

from hvit_edge.targets.delegate import Lowered, lower_to
from hvit_edge.targets.kernelless import write_out_kernelless
from hvit_edge.targets.xnnpack.direct import lower_directly
from hvit_edge.targets.xnnpack.modules import recorded_modules
from hvit_edge.targets.xnnpack.moves import merged_moves
from hvit_edge.targets.xnnpack.taps import layer_values, recorded_graphs

Found = TypeVar("Found", Lowered, Lowered | None)


def lower(
    graph: GraphModule, example_inputs: tuple[torch.Tensor, ...], *, plainly: bool = False
) -> Lowered:
    """Lower `graph` for XNNPACK.

    Args:
        graph: a rewritten graph, see `lower_to`; operators that have a definition and no kernel are
            written out in it.
        example_inputs: float32 tensors of the program's fixed shapes.
        plainly: hand ExecuTorch's graph to the delegate without merging its moves, or changes.

    Raises:
        LoweringError: ExecuTorch refuses the graph.
    """
    general = partial(lower_to, XnnpackPartitioner())
    if plainly:
        return _recorded(general, graph, example_inputs, nullcontext())
    write_out_kernelless(graph)
    lowered = _recorded(lower_directly, graph, example_inputs, merged_moves())
    return lowered or _recorded(general, graph, example_inputs, merged_moves())


def _recorded(
    road: Callable[[GraphModule, tuple[torch.Tensor, ...]], Found],
    graph: GraphModule,
    example_inputs: tuple[torch.Tensor, ...],
    moves: AbstractContextManager[None],
) -> Found:
    """Return what a way of lowering returns, with the records of its only delegate."""
    with recorded_graphs() as graphs, recorded_modules() as recorded, moves:
        lowered = road(graph, example_inputs)
    # With several delegates, nothing says which one runs first.
    if lowered is None or len(recorded) != 1:
        return lowered
    return replace(lowered, operators=recorded[0], delegate_graph=graphs[0])


def program_values(
    graph: GraphModule, lowered: Lowered, inputs: tuple[torch.Tensor, ...]
) -> dict[str, torch.Tensor]:
    """Return what the layers of a program compute, see `xnnpack_taps.layer_values`.

    The result is empty if the operators of the program are not all in one delegate.
    """
    whole = lowered.delegate_graph is not None and not lowered.ops_outside
    if not whole or lowered.delegates != 1:
        return {}
    program = lowered.edge.exported_program()
    return layer_values(graph, lowered.delegate_graph, program, inputs)
