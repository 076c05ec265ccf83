"""Describe the inputs and outputs of an ExecuTorch program that is made without tracing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from torch.export.graph_signature import (
    InputKind,
    InputSpec,
    OutputKind,
    OutputSpec,
    TensorArgument,
)
from torch.fx import Node


def input_specs(constants: Mapping[str, str], inputs: Iterable[str]) -> list[InputSpec]:
    """Return the specifications of the placeholders, constants first.

    Args:
        constants: the path of each constant in the module, by the name of its placeholder.
        inputs: the names of the other placeholders.
    """
    return [
        *(
            InputSpec(InputKind.BUFFER, TensorArgument(name), path, persistent=True)
            for name, path in constants.items()
        ),
        *(InputSpec(InputKind.USER_INPUT, TensorArgument(name), None) for name in inputs),
    ]


def output_specs(outputs: Iterable[Node]) -> list[OutputSpec]:
    """Return the specifications of the nodes that a program returns."""
    return [OutputSpec(OutputKind.USER_OUTPUT, TensorArgument(node.name), None) for node in outputs]
