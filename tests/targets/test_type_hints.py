"""Type hints that are read once for each class when objects are written as JSON."""

import json
import typing
from dataclasses import asdict

from executorch.backends.xnnpack.serialization.xnnpack_graph_schema import (
    OutputMinMax,
    XNNAdd,
    XNNSigmoid,
    XNode,
)
from executorch.exir._serialize import _dataclass

from hvit_edge.targets.patches import type_hints_read_once

NODES = [
    XNode(XNNAdd(0, 1, 2, flags=0), debug_handle=1, output_min_max=OutputMinMax(0.0, 6.0)),
    XNode(XNNSigmoid(2, 3, flags=0), debug_handle=2),
]


def written() -> str:
    return json.dumps(NODES, cls=_dataclass._DataclassEncoder)


def test_the_same_is_written_and_each_class_is_read_once(monkeypatch):
    classes = []
    count = lambda kind: classes.append(kind) or typing.get_type_hints(kind)  # noqa: E731
    monkeypatch.setattr(_dataclass, "get_type_hints", count)
    expected = written()
    assert json.loads(expected)[1] == {
        **asdict(NODES[1]),
        "xnode_union_type": "XNNSigmoid",
    }
    assert len(classes) > 4
    classes.clear()
    with type_hints_read_once():
        assert written() == expected
    assert sorted(kind.__name__ for kind in classes) == [
        "OutputMinMax",
        "XNNAdd",
        "XNNSigmoid",
        "XNode",
    ]
    assert _dataclass.get_type_hints is count
