"""Patches of the lowering to XNNPACK, also with another version of ExecuTorch."""

import re
import warnings

import numpy as np
import pytest
import torch
from executorch.backends.xnnpack import xnnpack_preprocess
from executorch.exir.pass_base import _ExportPassBase
from torch import nn

from hvit_edge.boundary import patched_version
from hvit_edge.errors import LoweringError
from hvit_edge.lowering import export_graph
from hvit_edge.targets.executorch import executorch_step
from hvit_edge.targets.xnnpack.direct import lower_directly
from hvit_edge.targets.xnnpack.lower import lower
from hvit_edge.targets.xnnpack.patches import (
    before_serializing,
    passes_that_end_with,
    visitors_wrapped,
)

X = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def attributes():
    return (
        xnnpack_preprocess.serialize_xnnpack_binary,
        xnnpack_preprocess.get_node_visitors,
        _ExportPassBase.call,
    )


@pytest.fixture
def another_version(monkeypatch):
    monkeypatch.setattr(
        patched_version, "installed", {"torch": "2.13.0", "executorch": "1.6.0"}.__getitem__
    )
    monkeypatch.setattr(patched_version, "_noticed", set())


def test_the_inner_function_is_called_first_and_the_graph_is_serialized_last(monkeypatch):
    calls = []
    serialize = lambda graph, data: calls.append(("serialize", graph, data)) or b"bytes"  # noqa: E731
    monkeypatch.setattr(xnnpack_preprocess, "serialize_xnnpack_binary", serialize)
    outer = before_serializing(lambda graph: calls.append(("outer", graph)))
    inner = before_serializing(lambda graph: calls.append(("inner", graph)))
    with outer, inner:
        assert xnnpack_preprocess.serialize_xnnpack_binary("graph", "data") == b"bytes"
    assert calls == [("inner", "graph"), ("outer", "graph"), ("serialize", "graph", "data")]
    assert xnnpack_preprocess.serialize_xnnpack_binary is serialize


def test_visitors_are_wrapped_in_the_block(monkeypatch):
    monkeypatch.setattr(xnnpack_preprocess, "get_node_visitors", lambda *given: {"add": given})
    with visitors_wrapped(lambda visitor: ["wrapped", *visitor]):
        assert xnnpack_preprocess.get_node_visitors(1, 2) == {"add": ["wrapped", 1, 2]}
    assert xnnpack_preprocess.get_node_visitors(1, 2) == {"add": (1, 2)}


def test_shapes_that_are_not_traced_are_refused_for_another_version(another_version):
    before = attributes()
    with (
        pytest.raises(LoweringError, match=r"expected executorch 1.5.1, .* got 1.6.0; pip install"),
        passes_that_end_with(lambda self, graph: None),
    ):
        pass
    assert attributes() == before


def test_another_version_lowers_generally_with_the_same_answers_and_one_notice(another_version):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.SiLU(), nn.Flatten()).eval()
    graph = export_graph(net, (X,))
    assert lower_directly(graph, (X,)) is None
    before = attributes()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        lowered = lower(graph, (X,))
    (said,) = [text for text in map(str, (w.message for w in caught)) if "[patches]" in text]
    assert re.match(r"\[patches\] expected executorch 1.5.1, .* got 1.6.0; ", said)
    assert attributes() == before
    assert (lowered.delegates, lowered.ops_outside, lowered.operators) == (1, [], ())
    assert lowered.delegate_graph is None
    answer = executorch_step(lowered.serialize())(X.numpy())
    np.testing.assert_allclose(answer, net(X).detach().numpy(), rtol=1e-5, atol=1e-6)
