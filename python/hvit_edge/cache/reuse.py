"""Use the results of earlier compilations, and keep those of this one.

A `Reuse` belongs to one call of `compile`, or to all compilations of one call of `compile_many`.
The latter share exports in memory, even if nothing is stored on disk.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TypeVar

import numpy as np
import torch
from torch import nn
from torch.fx import GraphModule

from hvit_edge.cache.entry import Entry, read_entry
from hvit_edge.cache.module_digest import module_digest
from hvit_edge.cache.packed_graph import Known, graph_digest, pack, unpack
from hvit_edge.cache.store import Store
from hvit_edge.cache.versions import versions
from hvit_edge.lowering import PassReport, Rewrite, rewrite

Value = TypeVar("Value")
Tensors = tuple[torch.Tensor, ...]
EXPORTED, REWRITTEN = "exported", "rewritten"


class Reuse:
    """Finds and keeps results of one or several compilations.

    Args:
        store: where results are kept; None keeps nothing after the compilations.
        several: True if several compilations share exports in memory. A single one would write its
            graph as an entry that nothing reads.

    Attributes:
        reused: what the current compilation did not have to compute, in words.
    """

    def __init__(self, store: Store | None = None, *, several: bool = False) -> None:
        self.reused: list[str] = []
        self._store, self._several = store, several
        self._exports: list[tuple[nn.Module, str, Entry]] = []
        self._last: tuple[GraphModule, str, Known] | None = None

    def exported(
        self,
        module: nn.Module,
        inputs: Tensors,
        export: Callable[[nn.Module, Tensors], GraphModule],
    ) -> GraphModule:
        """Return the exported graph of a module: a kept one, or that of `export`."""
        form = str([(tensor.dtype, tuple(tensor.shape)) for tensor in inputs])
        known = dict([*module.named_parameters(), *module.named_buffers()])
        for owner, its_form, entry in self._exports:
            if owner is module and its_form == form:
                self.reused.append("exported graph")
                return unpack(entry, known)
        digest = module_digest(module) if self._store else None
        key = self.key(digest, form)
        graph = self._graph(EXPORTED, key, known)
        if graph is None:
            graph = export(module, inputs)
            entry = self._keep(EXPORTED, key, graph, known)
        else:
            self.reused.append("exported graph")
            entry = _packed(graph, known) if self._several else None
        if entry is not None:
            self._exports.append((module, form, entry))
        if key is not None:
            self._last = graph, key, known
        return graph

    def rewritten(
        self,
        graph: GraphModule,
        passes: Sequence[Rewrite],
        check: Callable[[GraphModule], str],
        rewrite: Callable[..., list[PassReport]] = rewrite,
    ) -> tuple[GraphModule, list[PassReport]]:
        """Return a graph after its rewrites, and the reports of those that were left out.

        Args:
            graph: from `exported`; it is changed unless a kept graph is returned.
            passes, check: see `rewrite`. The check decides about a kept graph as well.
            rewrite: applies the rewrites.
        """
        known = dict([*graph.named_parameters(), *graph.named_buffers()])
        names = [f"{apply.__module__}.{apply.__qualname__}" for apply in passes]
        own = all(name.startswith("hvit_edge.") and "<" not in name for name in names)
        key = self.key(self._exported_digest(graph), *names) if own and names else None
        found = self._graph(REWRITTEN, key, known)
        if found is not None and not _fault(found, check):
            self.reused.append("rewritten graph")
            return found, []
        reports = rewrite(graph, passes=passes, check=check)
        left_out = [report for report in reports if report.left_out]
        if not left_out:
            self._keep(REWRITTEN, key, graph, known)
        return graph, left_out

    def _exported_digest(self, graph: GraphModule) -> str | None:
        """Return a digest of a graph from `exported`; its key covers the weights of the module."""
        if self._last is None or self._last[0] is not graph:
            return self.graph_digest(graph)
        _, key, known = self._last
        try:
            return f"{key} {graph_digest(graph, known)}"
        except Exception:  # see `_packed`
            return None

    def graph_digest(self, graph: GraphModule) -> str | None:
        """Return a digest of a graph and all its constants; None if there is no use for one."""
        if self._store is None:
            return None
        try:
            return graph_digest(graph)
        except Exception:  # see `_packed`
            return None

    def key(self, *parts: str | None) -> str | None:
        """Return the key of a result that depends only on `parts`; None if one is None."""
        if self._store is None or None in parts:
            return None
        content = json.dumps([sorted(versions().items()), parts])
        return hashlib.sha256(content.encode()).hexdigest()

    def read(self, kind: str, key: str | None, parse: Callable[[Entry], Value]) -> Value | None:
        """Return what `parse` makes of a kept entry; None if there is none that it accepts."""
        if self._store is None or key is None:
            return None
        data = self._store.read(kind, key)
        if data is None:
            return None
        try:
            return parse(read_entry(data))
        except Exception:  # sealed, but not by this code
            self._store.discard(kind, key)
            return None

    def keep(self, kind: str, key: str | None, entry: Entry) -> None:
        """Keep a result, if it has a key and can be stored."""
        if self._store is None or key is None:
            return
        try:
            data = entry.to_bytes()
        except Exception:  # see `_packed`
            return
        self._store.write(kind, key, data)

    def _graph(self, kind: str, key: str | None, known: Known) -> GraphModule | None:
        return self.read(kind, key, partial(unpack, known=known))

    def _keep(self, kind: str, key: str | None, graph: GraphModule, known: Known) -> Entry | None:
        if key is None and not (self._several and kind == EXPORTED):
            return None
        entry = _packed(graph, known)
        if entry is not None:
            self.keep(kind, key, entry)
        return entry


def arrays_digest(samples: Iterable[np.ndarray | tuple[np.ndarray, ...]]) -> str:
    """Return a digest of the dtypes, shapes and elements of samples, as in `Calibration.inputs`."""
    digest = hashlib.sha256()
    for sample in samples:
        for array in sample if isinstance(sample, tuple) else (sample,):
            digest.update(f"{array.dtype} {array.shape}\n".encode())
            digest.update(np.ascontiguousarray(array))
        digest.update(b"\n")
    return digest.hexdigest()


def _packed(graph: GraphModule, known: Known) -> Entry | None:
    """Return a graph as an entry; None if it cannot be stored, which fails no compilation."""
    try:
        return pack(graph, known)
    except Exception:  # mostly NotStorable
        return None


def _fault(graph: GraphModule, check: Callable[[GraphModule], str]) -> str:
    try:
        return check(graph)
    except Exception as error:
        return str(error) or type(error).__name__
