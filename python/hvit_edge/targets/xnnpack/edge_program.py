"""Make the program of the edge dialect that XNNPACK's partitioner, passes and visitors read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from functools import cached_property

import torch
from torch.export import ExportedProgram
from torch.export.exported_program import ModuleCallEntry, ModuleCallSignature
from torch.export.graph_signature import ExportGraphSignature
from torch.fx import Graph, Node
from torch.utils import _pytree as pytree

from hvit_edge.targets.program_signature import input_specs, output_specs


class EdgeProgram(ExportedProgram):
    """A program of the edge dialect, made from a graph that needs no check.

    Args:
        graph: its placeholders are put in order: the constants, then the inputs.
        constants: tensors by the names of their placeholders.
        inputs: names of the other placeholders.
    """

    def __init__(
        self, graph: Graph, constants: Mapping[str, torch.Tensor], inputs: Sequence[str]
    ) -> None:
        _put_first(graph, [*constants, *inputs])
        specs = input_specs({name: name for name in constants}, inputs)
        results = output_specs(graph.output_node().args[0])
        in_spec = pytree.tree_structure((tuple(inputs), {}))
        out_spec = pytree.tree_structure(tuple(range(len(results))))
        super().__init__(
            root=torch.nn.Module(),
            graph=graph,
            graph_signature=_FixedSignature(specs, results),
            state_dict=dict(constants),
            range_constraints={},
            module_call_graph=[ModuleCallEntry("", ModuleCallSignature([], [], in_spec, out_spec))],
        )

    def validate(self) -> None:
        """Skip PyTorch's checks of graphs that were traced."""

    def copy(
        self,
        is_stored: Callable[[str], bool] = lambda name: True,
        inputs: Sequence[str] | None = None,
    ) -> EdgeProgram:
        """Return a program with a graph of its own, and the same tensors.

        Args:
            is_stored: returns False for constants, by name, that the copy does not store.
            inputs: names of the placeholders of the copy that are not stored; None if they stay.
        """
        stored = {name: tensor for name, tensor in self.state_dict.items() if is_stored(name)}
        if inputs is None:
            inputs = self.graph_signature.user_inputs
        return EdgeProgram(deepcopy(self.graph), stored, inputs)


class _FixedSignature(ExportGraphSignature):
    """A signature that never changes. PyTorch's searches all inputs each time it is asked."""

    @cached_property
    def inputs_to_buffers(self) -> dict[str, str]:
        """Return the names of the constants by the names of their placeholders."""
        return {str(s.target): str(s.target) for s in self.input_specs if s.target is not None}

    @cached_property
    def inputs_to_parameters(self) -> dict[str, str]:
        """Return an empty mapping, because constants are buffers."""
        return {}

    @cached_property
    def inputs_to_lifted_tensor_constants(self) -> dict[str, str]:
        """Return an empty mapping, because constants are buffers."""
        return {}

    @cached_property
    def non_persistent_buffers(self) -> frozenset[str]:
        """Return an empty set."""
        return frozenset()


def _put_first(graph: Graph, names: Sequence[str]) -> None:
    """Move the placeholders `names` to the start of a graph, in that order, and drop others."""
    placeholders: dict[str, Node] = {}
    for node in graph.find_nodes(op="placeholder"):
        placeholders[node.name] = node
    for name in reversed(names):
        graph._root.append(placeholders.pop(name))
    for unread in placeholders.values():
        graph.erase_node(unread)
