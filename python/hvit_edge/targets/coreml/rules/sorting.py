"""Translate operators that find the largest or smallest elements along a dimension."""

from __future__ import annotations

from coremltools.converters.mil import Builder as mb

from hvit_edge.lowering.graph import aten
from hvit_edge.targets.coreml.layout import Layout
from hvit_edge.targets.coreml.rules.registry import Call, rule
from hvit_edge.targets.coreml.values import Value, plain


@rule(aten.topk.default)
def topk(call: Call) -> tuple[Value, Value]:
    """Find some of them; Core ML chooses among equal ones."""
    largest = bool(call.option(3, "largest", True))
    return _first(call, call.option(1, "k"), call.option(2, "dim", -1), largest)


@rule(aten.sort.default)
def sort(call: Call) -> tuple[Value, Value]:
    """Sort all of them."""
    return _sorted(call, call.option(1, "dim", -1), call.option(2, "descending", False))


@rule(aten.sort.stable)
def sort_in_order(call: Call) -> tuple[Value, Value]:
    """Sort all of them, if equal ones may be exchanged."""
    if call.node.kwargs.get("stable"):
        raise ValueError("expected a sort that may exchange equal elements, got a stable one")
    return _sorted(call, call.option(2, "dim", -1), call.option(3, "descending", False))


@rule(aten.argsort.default)
def argsort(call: Call) -> Value:
    """Find where each of them is, in order."""
    return _sorted(call, call.option(1, "dim", -1), call.option(2, "descending", False))[1]


def _sorted(call: Call, dim: int, descending: bool) -> tuple[Value, Value]:
    shape = call.tensor(0).layout.shape
    return _first(call, shape[dim], dim, bool(descending))


def _first(call: Call, count: int, dim: int, largest: bool) -> tuple[Value, Value]:
    x = call.tensor(0)
    plain(x)
    elements, places = (
        Value(result, Layout.plain(tuple(result.shape)))
        for result in mb.topk(x=x.data, k=count, axis=dim, ascending=not largest)
    )
    return elements, places
