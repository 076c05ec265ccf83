"""Replace attributes of PyTorch and ExecuTorch for any lowering.

What only one target replaces is in the `patches.py` of its folder. No other file replaces anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from executorch.exir._serialize import _dataclass
from executorch.exir.lowered_backend_module import LoweredBackendModule
from executorch.exir.pass_base import _ExportPassBase
from torch.fx.traceback import NodeSource

from hvit_edge.boundary.patched_version import EXECUTORCH, TORCH, optional
from hvit_edge.boundary.replaced import added, replaced
from hvit_edge.lowering.patches import fast_decompositions, lazy_code
from hvit_edge.targets.known_results import recorded
from hvit_edge.targets.skip_retraces import skipping


@contextmanager
def fast_passes() -> Iterator[None]:
    """Skip the parts of ExecuTorch's passes that do not change the program."""
    with (
        shared_provenance(),
        fast_decompositions(),
        skipped_retraces(),
        lazy_code(),
        type_hints_read_once(),
    ):
        yield


@contextmanager
def fast_serialization() -> Iterator[None]:
    """Skip the parts of writing a program that do not change it."""
    with known_results(), type_hints_read_once():
        yield


@optional(TORCH)
@contextmanager
def shared_provenance() -> Iterator[None]:
    """Let every pass share the provenance records of nodes instead of copying them deeply.

    The records are never changed. Copying chains of them in each of about thirty passes takes a
    third of the time of lowering.
    """
    with added(NodeSource, __deepcopy__=lambda self, memo: self):
        yield


@optional(EXECUTORCH)
@contextmanager
def skipped_retraces() -> Iterator[None]:
    """Skip the traces in this block that would change nothing."""
    with replaced(_ExportPassBase, call=skipping(_ExportPassBase.call)):
        yield


@optional(EXECUTORCH)
@contextmanager
def known_results() -> Iterator[None]:
    """Let traces in this block take the results of delegates from their graphs."""
    original = LoweredBackendModule.original_module
    with replaced(LoweredBackendModule, original_module=recorded(original)):
        yield


@optional(EXECUTORCH)
@contextmanager
def type_hints_read_once() -> Iterator[None]:
    """Let objects that are written as JSON in this block share the type hints of their class.

    ExecuTorch writes a delegate's graph and a program as JSON, which a compiler of flatbuffers
    reads. For each field of each object, it evaluates all type hints of the object's class again.
    This takes a quarter of the time of lowering.
    """
    with replaced(_dataclass, get_type_hints=cache(_dataclass.get_type_hints)):
        yield
