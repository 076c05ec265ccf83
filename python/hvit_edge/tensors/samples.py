"""Read the inputs that a user gives with a module: arrays, a file of them, or declarations."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from hvit_edge.artifact.container import Arrays
from hvit_edge.artifact.input_spec import DTYPES, InputSpec, source_of
from hvit_edge.errors import InputError
from hvit_edge.tensors.sample_file import read_sample_file

MORE_DRAWN = 4
"""Number of samples that are drawn from declared inputs for gates, after the golden one."""


@dataclass(frozen=True)
class Samples:
    """Holds samples of the inputs of a module.

    Attributes:
        names: names of arguments of `forward`; None if arrays were given by position.
        golden: the sample that defines shapes and dtypes, and is stored in the artifact.
        others: more samples of the same shapes and dtypes; empty unless they were drawn.
        source: where they came from: "argument", a file's name, or "drawn: ..." with the
            declaration.
    """

    names: tuple[str, ...] | None
    golden: Arrays
    others: tuple[Arrays, ...]
    source: str


def read_inputs(inputs: object, where: str) -> Samples:
    """Read the argument `inputs` of a user.

    Args:
        inputs: an array, a tuple of them, a dict by argument name, the path of an NPZ file, or one
            or several `InputSpec`s. Arrays may be of numpy or torch.
        where: name of the public function that was called, for messages.

    Raises:
        InputError: `inputs` is empty or something else. The message names every wrong array.
    """
    if isinstance(inputs, str | os.PathLike):
        arrays, source = read_sample_file(inputs, where), os.path.basename(os.fspath(inputs))
        positional = all(name == f"arr_{i}" for i, name in enumerate(arrays))
        inputs = tuple(arrays.values()) if positional else arrays
    else:
        source = "argument"
    if isinstance(inputs, np.ndarray | torch.Tensor | InputSpec):
        inputs = (inputs,)
    names = tuple(map(str, inputs)) if isinstance(inputs, Mapping) else None
    values = tuple(inputs.values()) if isinstance(inputs, Mapping) else inputs
    if not isinstance(values, tuple | list):
        raise InputError(
            f"[{where}] inputs: expected arrays, a dict of them, the path of an NPZ file or"
            f" InputSpecs, got {type(inputs).__name__}; give one array for each argument of forward"
        )
    if not values:
        raise InputError(
            f"[{where}] inputs: expected at least one array, got none; a module without inputs"
            " always gives the same answer"
        )
    if any(isinstance(value, InputSpec) for value in values):
        return _drawn(values, names, where)
    labels = names or tuple(f"input {index}" for index in range(len(values)))
    arrays = tuple(map(_array, values))
    _check(labels, values, arrays, where)
    return Samples(names, arrays, (), source)


def _drawn(values: tuple, names: tuple[str, ...] | None, where: str) -> Samples:
    """Draw samples from declared inputs; they are the same in every call."""
    if not all(isinstance(value, InputSpec) for value in values):
        raise InputError(
            f"[{where}] inputs: expected arrays or InputSpecs, got both; declare all or give all"
        )
    own = tuple(value.name for value in values)
    if names is not None and names != own:
        raise InputError(
            f"[{where}] inputs: expected each InputSpec under its own name, got {', '.join(names)}"
            f" for {', '.join(own)}; pass a list of them"
        )
    if len(set(own)) != len(own):
        raise InputError(f"[{where}] inputs: expected different names, got {', '.join(own)}")
    generator = np.random.default_rng(0)
    drawn = [tuple(value.draw(generator) for value in values) for _ in range(1 + MORE_DRAWN)]
    return Samples(own, drawn[0], tuple(drawn[1:]), source_of(tuple(values)))


def _array(value: object) -> np.ndarray | None:
    """Return a new plain numpy array of a caller's array, or None for anything else."""
    if isinstance(value, torch.Tensor):
        if value.layout is not torch.strided or value.device.type != "cpu":
            return None
        value = value.detach().as_subclass(torch.Tensor)
        if value.dtype is torch.bfloat16:
            return None
        value = value.resolve_conj().resolve_neg().numpy()
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiub":
        return None
    return np.array(value, value.dtype.newbyteorder("="), order="C", subok=False)


def _check(labels: tuple[str, ...], values: tuple, arrays: tuple, where: str) -> None:
    """Raise InputError that lists all arrays that an artifact cannot have."""
    faults = []
    for label, value, array in zip(labels, values, arrays, strict=True):
        fault = _fault(value, array)
        if fault:
            faults.append(
                f"{label}: expected {', '.join(DTYPES[:-1])} or {DTYPES[-1]}, got {fault}"
            )
    if faults:
        raise InputError(f"[{where}] inputs: " + "; ".join(faults))


def _remedy(value: object) -> str:
    """Return what to give in place of a value that is neither an array nor a tensor."""
    if isinstance(value, bool | int | float | str):
        return "a constant is part of the module: leave it out, and make it a default of forward"
    row = isinstance(value, list | tuple) and any(hasattr(one, "dtype") for one in value)
    if row or isinstance(value, Mapping) or dataclasses.is_dataclass(value):
        return "wrap the module in one whose forward takes each array as an argument of its own"
    return "give a dense numpy array or a tensor on the CPU"


def _fault(value: object, array: np.ndarray | None) -> str:
    if array is None:
        dtype = getattr(value, "dtype", None)
        got = f"{type(value).__name__}{f' of {dtype}' if dtype is not None else ''}"
        return f"{got}; {_remedy(value)}"
    if array.dtype.name not in DTYPES:
        return f"{array.dtype.name}; convert it with .astype to a dtype that the module accepts"
    if array.size == 0:
        return f"an empty array {list(array.shape)}; give one sample"
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        return "NaN or infinity; give a sample like the inputs that the model will get"
    return ""
