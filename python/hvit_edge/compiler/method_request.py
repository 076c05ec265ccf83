"""Check which input sizes and batches an artifact is requested for, before any work is done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeGuard

from torch import nn

from hvit_edge.artifact.metadata import Method
from hvit_edge.artifact.methods import name_of
from hvit_edge.compiler.request import Request
from hvit_edge.errors import InputError
from hvit_edge.models import find_sequence_model
from hvit_edge.models.registry import check_input_size
from hvit_edge.sources.address import Address
from hvit_edge.tasks.names import CLASSIFY, TENSOR

TARGETS = ("xnnpack", "native")
"""The targets whose artifacts may have several methods."""
Size = int | tuple[int, int]


def requested_methods(
    model: Address | nn.Module,
    request: Request,
    input_size: Size | None,
    input_sizes: Sequence[Size] | None,
    batches: Sequence[int] | None,
    task: str,
) -> tuple[tuple[tuple[int, int] | None, int], ...] | None:
    """Return the size and the batch of each requested method, the preferred one first.

    The arguments are those of `compile`; `task` is the name of the task.

    Returns:
        One pair for each method; the size is None for that of the weights. None if the artifact has
        one size and a batch of 1, and therefore no methods.

    Raises:
        InputError: a size or batch is wrong or given twice, or the model or the target cannot have
            several. The message has every reason.
    """
    batches = (1,) if batches is None else tuple(batches)
    if input_sizes is None and batches == (1,):
        return None
    given = [input_size] if input_sizes is None else list(input_sizes)
    faults = [
        *_option_faults(model, request, input_size, input_sizes, task),
        *_batch_faults(batches),
        *_size_faults(model, given),
    ]
    if faults:
        raise InputError("[compile] " + "; ".join(faults))
    sizes = [None if size is None else _sides(size) for size in given]
    return tuple((size, batch) for batch in batches for size in sizes)


def methods_of(asked: Sequence[tuple[tuple[int, int], int]]) -> tuple[Method, ...]:
    """Return the methods of sizes and batches."""
    return tuple(Method(name_of(batch, size), batch, size) for size, batch in asked)


def _option_faults(
    model: Address | nn.Module,
    request: Request,
    input_size: Size | None,
    input_sizes: Sequence[Size] | None,
    task: str,
) -> list[str]:
    faults = []
    if request.target not in TARGETS:
        faults.append(
            f"input_sizes, batches: expected one input size and a batch of 1 for {request.target},"
            f" got others; {' and '.join(TARGETS)} have several, or compile one artifact each"
        )
    if request.precision == "auto":
        faults.append("precision: expected a fixed one with several methods, got auto")
    if task == TENSOR:
        faults.append(
            "input_sizes, batches: expected a model that classifies photos, got one of arrays;"
            " its shapes are those of its sample"
        )
    elif task != CLASSIFY:
        faults.append(
            f"input_sizes, batches: expected one input size and a batch of 1 for the task {task},"
            " got others; compile one artifact each"
        )
    if input_size is not None and input_sizes is not None:
        faults.append("input_size, input_sizes: expected one of them, got both")
    if input_sizes is not None and not isinstance(model, Address):
        faults.append("input_sizes: expected them with a name or an address, got a module")
    return faults


def _batch_faults(batches: Sequence[int]) -> list[str]:
    whole = [b for b in batches if isinstance(b, int) and not isinstance(b, bool) and b >= 1]
    if not batches or len(whole) != len(batches):
        got = ", ".join(map(repr, batches)) or "none"
        return [f"--batch (batches=): expected whole numbers of at least 1, got {got}"]
    return _repeated("--batch (batches=)", whole)


def _size_faults(model: Address | nn.Module, sizes: Sequence[Size | None]) -> list[str]:
    option = "--input-size (input_sizes=)"
    if not sizes:
        return [f"{option}: expected at least one size, got none"]
    known = [(size, _sides(size)) for size in sizes if size is not None]
    wrong = [size for size, sides in known if sides is None]
    if wrong:
        listed = ", ".join(map(repr, wrong))
        return [f"{option}: expected sides in pixels, or (height, width), got {listed}"]
    faults = _repeated(option, [name_of(1, sides) for _, sides in known if sides is not None])
    if _is_registered(model) and not _takes_sequences(model):
        faults += _unfit(model.name, sizes)
    return faults


def _is_registered(model: Address | nn.Module) -> TypeGuard[Address]:
    return isinstance(model, Address) and model.kind == "registered"


def _takes_sequences(model: Address | nn.Module) -> bool:
    return _is_registered(model) and find_sequence_model(model.name) is not None


def _unfit(model: str, sizes: Sequence[Size | None]) -> list[str]:
    """Return the reason for each size that a registered model cannot have."""
    faults = []
    for size in sizes:
        try:
            check_input_size(model, None if size is None else _sides(size))
        except InputError as error:
            faults.append(str(error))
    return faults


def _sides(size: Size) -> tuple[int, int] | None:
    """Return (height, width); None if it is not a size."""
    sides = tuple(size) if isinstance(size, tuple | list) else (size, size)
    whole = all(isinstance(s, int) and not isinstance(s, bool) and s > 0 for s in sides)
    return sides if len(sides) == 2 and whole else None


def _repeated(name: str, values: Sequence[object]) -> list[str]:
    repeated = sorted({str(value) for value in values if list(values).count(value) > 1})
    return [f"{name}: expected each once, got {', '.join(repeated)} twice"] if repeated else []
