"""Find what a run of a module changed: weights, buffers and attributes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import nn

from hvit_edge.user_modules.own_module import plain_modules

_INTERNAL = frozenset(vars(nn.Module()))


def changed_tensors(before: nn.Module, after: nn.Module) -> list[str]:
    """Return the names of parameters and buffers changed by a run of `after`, a copy of `before`.

    Buffers that are not in the state dict do not count, because they are caches; see
    `kept_attributes`.
    """
    old, new = dict(_tensors(before)), dict(_tensors(after))
    persistent = after.state_dict(keep_vars=True).keys()
    caches = set(_caches(before))
    changed = [
        name
        for name in old
        if name not in caches and (name not in new or not _equal(old[name], new[name]))
    ]
    return changed + [name for name in new if name not in old and name in persistent]


def kept_attributes(before: nn.Module, after: nn.Module) -> list[str]:
    """Return the names of attributes changed by a run of `after`, a copy of `before`."""
    originals = {path: {**vars(m), **m._buffers} for path, m in plain_modules(before)}
    kept: list[str] = []
    for path, module in plain_modules(after):
        old = originals.get(path, {})
        now = {**vars(module), **module._buffers}
        names = [n for n in now if n not in _INTERNAL and _differs(old.get(n), now[n])]
        kept.extend(f"{path}.{name}" if path else name for name in names)
    return kept


def _tensors(module: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    for path, child in plain_modules(module):
        for name, tensor in (*child._parameters.items(), *child._buffers.items()):
            if tensor is not None:
                yield (f"{path}.{name}" if path else name), tensor


def _caches(module: nn.Module) -> Iterator[str]:
    """Yield the names of buffers that are not in the state dict."""
    for path, child in plain_modules(module):
        for name in child._non_persistent_buffers_set:
            yield f"{path}.{name}" if path else name


def _equal(a: torch.Tensor, b: torch.Tensor) -> bool:
    if a is b:
        return True
    if (a.shape, a.dtype) != (b.shape, b.dtype):
        return False
    return bool(((a == b) | ((a != a) & (b != b))).all())


def _differs(old: object, new: object) -> bool:
    """Return True if an attribute may have changed.

    Only tensors, generators, plain values, and the type and length of containers are compared.
    """
    if isinstance(new, torch.Tensor):
        return not (isinstance(old, torch.Tensor) and _equal(old, new))
    if isinstance(new, torch.Generator):
        return not (isinstance(old, torch.Generator) and _equal(old.get_state(), new.get_state()))
    if isinstance(new, np.random.Generator):
        return type(old) is not type(new) or str(old.bit_generator.state) != str(
            new.bit_generator.state
        )
    if isinstance(new, dict | list | set | tuple):
        return type(old) is not type(new) or len(old) != len(new)
    if new is None or isinstance(new, bool | int | float | str):
        return type(old) is not type(new) or old != new
    return False
