"""Translate lookups of rows in a table."""

from __future__ import annotations

import numpy as np
from coremltools.converters.mil import Builder as mb

from hvit_edge.lowering.graph import aten
from hvit_edge.targets.coreml.layout import Layout
from hvit_edge.targets.coreml.rules.registry import Call, rule
from hvit_edge.targets.coreml.values import Value, plain


@rule(aten.embedding.default)
def embedding(call: Call) -> Value:
    """Look up rows of a constant table [rows, C] by integers of any shape."""
    rows = call.tensor(1)
    plain(rows)
    table = np.ascontiguousarray(call.array(0))
    return Value(mb.gather(x=table, indices=rows.data, axis=0), Layout.plain(call.shape))
