"""Run PyTorch's decompositions without repeated work and without work for other devices."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from torch import _C
from torch._export import utils
from torch.export import exported_program

WALKS = ("_materialize_cpp_cia_ops", "_collect_all_valid_cia_ops_for_namespace")
KEYS = ("_AUTOGRAD_ALIAS_BACKEND_KEYS_TO_OVERRIDE", "_BACKEND_KEYS_TO_OVERRIDE")
OURS = {getattr(_C.DispatchKey, name) for name in ("CPU", "Meta", "AutogradCPU", "AutogradMeta")}


@contextmanager
def fast_decompositions() -> Iterator[None]:
    """Make decompositions of CPU programs fast in this block; a nested block changes nothing.

    PyTorch walks over all operators of each namespace several times per program, because an
    operator could have been registered meanwhile. None is registered in this block, so the result
    of the first walk is kept. PyTorch also replaces and restores the kernels of twenty devices for
    each of hundreds of operators. A CPU program uses two of these devices. Both together take half
    of the time of lowering a small program.

    A version of PyTorch in which these functions have other names is left unchanged.
    """
    known = all(hasattr(utils, name) for name in WALKS)
    known = known and all(hasattr(exported_program, name) for name in KEYS)
    if not known or hasattr(getattr(utils, WALKS[0]), "cache_info"):
        yield
        return
    replaced: list[tuple[object, str, object]]
    replaced = [(utils, name, cache(getattr(utils, name))) for name in WALKS]
    replaced += [
        (exported_program, name, [key for key in getattr(exported_program, name) if key in OURS])
        for name in KEYS
    ]
    originals: list[tuple[object, str, object]]
    originals = [(module, name, getattr(module, name)) for module, name, _ in replaced]
    try:
        _set(replaced)
        yield
    finally:
        _set(originals)


def _set(attributes: list[tuple[object, str, object]]) -> None:
    for module, name, value in attributes:
        setattr(module, name, value)
