"""Wrap a module as a function from a flat list of tensors to a flat list of named tensors."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterator, Mapping

import torch
from torch import nn
from torch.fx import GraphModule

from hvit_edge.artifact.input_spec import DTYPES
from hvit_edge.errors import InputError

MODEL = "model"
"""Name of the wrapped module in `TensorModule`."""


class TensorModule(nn.Module):
    """Calls a module with tensors in a fixed order, and returns its outputs as a flat tuple.

    Args:
        model: the module in eval mode.
        keywords: names of the arguments for the tensors; None passes them by position.
    """

    def __init__(self, model: nn.Module, keywords: tuple[str, ...] | None) -> None:
        super().__init__()
        self.model = model
        self.keywords = keywords
        self.training = False

    def forward(self, *tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(tensor for _, tensor in named_outputs(self.answer(*tensors)))

    def answer(self, *tensors: torch.Tensor) -> object:
        """Return the output of the module itself."""
        if self.keywords is None:
            return self.model(*tensors)
        return self.model(**dict(zip(self.keywords, tensors, strict=True)))


def named_outputs(output: object, name: str = "") -> Iterator[tuple[str, object]]:
    """Yield the tensors in the output of a module with their names, in order.

    A single tensor is `output`. Tuples and lists give `output_0` and so on. Dicts, data classes and
    named tuples give the names of their fields. Names of nested containers are joined by dots.
    Fields that are None are skipped. Values that are not tensors are yielded as well.
    """
    if output is None:
        return
    parts = _parts(output)
    if parts is None:
        yield name or "output", output
        return
    for key, value in parts:
        inner = f"{name}.{key}" if name else key if not key.isdigit() else f"output_{key}"
        yield from named_outputs(value, inner)


def _parts(output: object) -> list[tuple[str, object]] | None:
    """Return the fields of a container; None for anything else."""
    if isinstance(output, Mapping):
        return [(str(key), value) for key, value in output.items()]
    if hasattr(output, "_fields") and isinstance(output, tuple):
        return list(zip(output._fields, output, strict=True))
    if isinstance(output, tuple | list):
        return [(str(index), value) for index, value in enumerate(output)]
    if dataclasses.is_dataclass(output) and not isinstance(output, type):
        return [(field.name, getattr(output, field.name)) for field in dataclasses.fields(output)]
    return None


def argument_names(module: nn.Module, names: tuple[str, ...] | None, count: int, where: str):
    """Return the names of a module's inputs, and the keywords to call it with.

    Args:
        module: the user's module.
        names: the arguments that the user named, or None for `count` arrays by position.
        count: number of arrays.
        where: name of the public function that was called, for messages.

    Returns:
        The names; and the keywords, or None if the arrays are passed by position.

    Raises:
        InputError: `forward` does not have a name, or requires another number of arguments.
    """
    parameters = list(inspect.signature(module.forward).parameters.values())
    kinds = inspect.Parameter
    positional = [
        p for p in parameters if p.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD)
    ]
    keyword = {
        p.name for p in parameters if p.kind in (kinds.POSITIONAL_OR_KEYWORD, kinds.KEYWORD_ONLY)
    }
    open_row = any(p.kind is kinds.VAR_POSITIONAL for p in parameters)
    open_names = any(p.kind is kinds.VAR_KEYWORD for p in parameters)
    known = ", ".join(p.name for p in parameters) or "none"
    if names is None:
        if count > len(positional) and not open_row:
            raise InputError(
                f"[{where}] inputs: expected the arguments of forward ({known}), got {count}"
                " arrays; give one for each"
            )
        row = [p.name for p in positional[:count]]
        return tuple(row + [f"input_{index}" for index in range(len(row), count)]), None
    unknown = [name for name in names if name not in keyword] if not open_names else []
    missing = [
        p.name
        for p in parameters
        if p.default is kinds.empty
        and p.kind in (kinds.POSITIONAL_OR_KEYWORD, kinds.KEYWORD_ONLY)
        and p.name not in names
    ]
    if unknown or missing:
        got = [f"an unknown {name}" for name in unknown] + [f"no {name}" for name in missing]
        raise InputError(
            f"[{where}] inputs: expected the arguments of forward ({known}), got {', '.join(got)};"
            " name them as forward does"
        )
    return names, names


def checked_outputs(output: object, where: str) -> tuple[tuple[str, ...], tuple[torch.Tensor, ...]]:
    """Return the names and the tensors in the output of a module.

    Raises:
        InputError: there is no output; or an output is not a dense tensor of a supported dtype on
            the CPU, is empty, is not finite, or has the name of another one. The message names
            each.
    """
    found = list(named_outputs(output))
    faults = [f"{name}: {fault}" for name, value in found if (fault := _fault(value))]
    names = tuple(name for name, _ in found)
    faults += [f"{name} twice" for name in set(names) if names.count(name) > 1]
    faults += [f"a line break in the name {name!r}" for name in names if "\n" in name]
    if faults or not found:
        raise InputError(
            f"[{where}] expected a module that returns tensors of {', '.join(DTYPES)}, got"
            f" {'; '.join(faults) or 'none'}; wrap it in a module that does"
        )
    for name, value in found:
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise InputError(
                f"[{where}] expected finite outputs on the sample, got NaN or infinity in {name};"
                " check the weights, and that the sample is a typical input of the module"
            )
    return names, tuple(value for _, value in found)


def _fault(value: object) -> str:
    if not isinstance(value, torch.Tensor):
        return f"{type(value).__name__} {value!r}"[:80]
    if value.layout is not torch.strided or value.device.type != "cpu":
        return f"a tensor on {value.device} in {value.layout}"
    if str(value.dtype).removeprefix("torch.") not in DTYPES:
        return f"{value.dtype}"
    return "an empty tensor" if value.numel() == 0 else ""


def without_wrapper(graph: GraphModule) -> GraphModule:
    """Remove the wrapper from module paths of an exported `TensorModule`, in place."""
    for node in graph.graph.nodes:
        stack = node.meta.get("nn_module_stack")
        if stack:
            node.meta["nn_module_stack"] = {
                key: (path.partition(".")[2], kind)
                for key, (path, kind) in stack.items()
                if path.split(".")[0] == MODEL
            }
    return graph
