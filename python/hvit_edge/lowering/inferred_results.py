"""Infer the results of operators on tensors without data, once for equal arguments.

A network repeats its blocks, so most calls have the operator, the shapes and the numbers of an
earlier one. Calling an operator on the meta device takes up to a millisecond.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, TypeAlias

import torch

from hvit_edge.lowering.patches import without_compiler

MOST_KNOWN = 10_000
Form: TypeAlias = tuple[tuple[int, ...], tuple[int, ...], torch.dtype]
"""Shape, strides and dtype of a tensor."""
_known: dict[Hashable, Form] = {}
_PLAIN = (int, float, bool, str, type(None), torch.dtype, torch.device, torch.memory_format)


class _Unknown(Exception):
    """Says that a call is not remembered."""


def infer(
    operator: Callable[..., Any], args: Sequence[object], kwargs: Mapping[str, object]
) -> Any:
    """Return what `operator` returns for tensors without data.

    A call with one result is remembered if all tensors are plain ones of the meta device. The
    result is then a new tensor of the same shape, strides and dtype.

    Args:
        operator: a function whose results have forms that depend only on its arguments.
        args, kwargs: its arguments.
    """
    try:
        key = (operator, _key(tuple(args)), _key(tuple(kwargs.items())))
        hash(key)
    except (_Unknown, TypeError):
        return _called(operator, args, kwargs)
    form = _known.get(key)
    if form is not None:
        return torch.empty_strided(form[0], form[1], dtype=form[2], device="meta")
    result = _called(operator, args, kwargs)
    if type(result) is torch.Tensor and _is_plain(result):
        if len(_known) >= MOST_KNOWN:
            _known.clear()
        _known[key] = _form(result)
    return result


def _called(
    operator: Callable[..., Any], args: Sequence[object], kwargs: Mapping[str, object]
) -> Any:
    try:
        with without_compiler():
            return operator(*args, **kwargs)
    except ModuleNotFoundError:  # a module of the compiler, for more than a mark
        return operator(*args, **kwargs)


def _key(value: object) -> Hashable:
    """Return a value that is equal for arguments of equal forms.

    Raises:
        _Unknown: the result may depend on something else.
    """
    if isinstance(value, list | tuple):
        return type(value), tuple(map(_key, value))
    if type(value) is torch.Tensor and _is_plain(value):
        return _form(value)
    if type(value) in _PLAIN:
        return type(value), value
    raise _Unknown


def _is_plain(tensor: torch.Tensor) -> bool:
    """Return True if the form of a tensor describes it completely."""
    return (
        tensor.device.type == "meta"
        and tensor.storage_offset() == 0
        and tensor.layout is torch.strided
        and not (tensor.is_complex() or tensor.is_neg() or tensor.requires_grad)
    )


def _form(tensor: torch.Tensor) -> Form:
    return tuple(tensor.shape), tensor.stride(), tensor.dtype
