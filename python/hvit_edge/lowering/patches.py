"""Replace attributes of PyTorch for exporting and rewriting; no other file of the package does."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from types import ModuleType
from typing import Any

from torch import _C
from torch._export import utils
from torch.export import exported_program
from torch.fx import GraphModule

from hvit_edge.boundary.patched_version import TORCH, optional
from hvit_edge.boundary.patches import standing_in
from hvit_edge.boundary.replaced import added, replaced
from hvit_edge.lowering.lazy_code import Code, printing_texts, recompile_later

WALKS = ("_materialize_cpp_cia_ops", "_collect_all_valid_cia_ops_for_namespace")
KEYS = ("_AUTOGRAD_ALIAS_BACKEND_KEYS_TO_OVERRIDE", "_BACKEND_KEYS_TO_OVERRIDE")
COMPILER = "torch._dynamo"
OURS = {getattr(_C.DispatchKey, name) for name in ("CPU", "Meta", "AutogradCPU", "AutogradMeta")}


@optional(TORCH)
@contextmanager
def fast_decompositions() -> Iterator[None]:
    """Make decompositions of CPU programs fast in this block; a nested block changes nothing.

    PyTorch walks over all operators of each namespace several times per program, because an
    operator could have been registered meanwhile. None is registered in this block, so the result
    of the first walk is kept. PyTorch also replaces and restores the kernels of twenty devices for
    each of hundreds of operators. A CPU program uses two of these devices. Both together take half
    of the time of lowering a small program.
    """
    if hasattr(getattr(utils, WALKS[0]), "cache_info"):
        yield
        return
    walks = {name: cache(getattr(utils, name)) for name in WALKS}
    keys = {name: [key for key in getattr(exported_program, name) if key in OURS] for name in KEYS}
    with replaced(utils, **walks), replaced(exported_program, **keys):
        yield


@optional(TORCH)
@contextmanager
def without_partial_graph() -> Iterator[None]:
    """Drop the partial graph that `torch.export` prints before it raises.

    The output of a user's module stays.
    """
    from torch.export import _trace  # a second, which a kept graph does without

    with added(_trace, print=lambda *_, **__: sys.stderr.flush()):
        yield


@optional(TORCH)
@contextmanager
def without_compiler() -> Iterator[None]:
    """Let operators run on tensors without data in this block, and not import PyTorch's compiler.

    Their functions import `torch._dynamo` when they are called first, only to mark themselves for
    it. That takes as long as importing all else of PyTorch. The marks of the block are removed
    after it, so that a later call sets them.
    """
    marked: list[Any] = []

    def disable(function: Callable[..., Any], *_: object, **__: object) -> Callable[..., Any]:
        marked.append(function)
        return function

    compiler: Any = ModuleType(COMPILER)
    compiler.disable = disable
    try:
        with standing_in({COMPILER: compiler}):
            yield
    finally:
        for function in marked:
            vars(function).pop("__dynamo_disable", None)


@optional(TORCH)
@contextmanager
def lazy_code() -> Iterator[None]:
    """Let graph modules of this block get their code when it is first needed, also after the block.

    The text that passes log for every graph is not written either. A graph module of the block that
    has no code yet cannot be pickled, but a program keeps no such module.
    """
    GraphModule._code = Code()  # stays, for graph modules that get their code after the block
    with replaced(
        GraphModule,
        recompile=recompile_later,
        print_readable=printing_texts(GraphModule.print_readable),
    ):
        yield
