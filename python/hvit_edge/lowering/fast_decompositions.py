"""PyTorch's decompositions without what they repeat, and what they do for other devices."""

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
    """Decompose programs of the CPU in this block; an inner block changes nothing.

    For each of its namespaces, several times a program, PyTorch walks over all operators, because
    one could be registered meanwhile; here none is, and one walk is enough for the block. A PyTorch
    that names these otherwise goes on as it does. For each
    of hundreds of operators it then replaces, and restores, the kernels of twenty devices; a
    program of the CPU reaches two of them. That takes half of the time of lowering a small program.
    """
    known = all(hasattr(utils, name) for name in WALKS)
    known = known and all(hasattr(exported_program, name) for name in KEYS)
    if not known or hasattr(getattr(utils, WALKS[0]), "cache_info"):
        yield
        return
    replaced = [(utils, name, cache(getattr(utils, name))) for name in WALKS]
    replaced += [
        (exported_program, name, [key for key in getattr(exported_program, name) if key in OURS])
        for name in KEYS
    ]
    originals = [(module, name, getattr(module, name)) for module, name, _ in replaced]
    try:
        _set(replaced)
        yield
    finally:
        _set(originals)


def _set(attributes: list[tuple[object, str, object]]) -> None:
    for module, name, value in attributes:
        setattr(module, name, value)
