import pytest
import torch
from torch import nn

from hvit_edge.errors import LoweringError
from hvit_edge.lowering import export_graph


def test_graph_runs_like_the_module():
    module, x = nn.Sequential(nn.Conv2d(3, 4, 3), nn.GELU()).eval(), torch.randn(1, 3, 8, 8)
    assert torch.equal(export_graph(module, (x,))(x), module(x))


def test_example_of_another_memory_format_gives_the_same_graph():
    module, x = nn.Conv2d(3, 4, 3).eval(), torch.randn(1, 3, 8, 8)
    permuted = x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)
    graph = export_graph(module, (permuted,))
    assert all(
        node.meta["val"].is_contiguous() for node in graph.graph.find_nodes(op="placeholder")
    )


def test_training_mode_is_refused():
    with pytest.raises(LoweringError, match=r"\[export_graph\].*eval mode.*call \.eval\(\)"):
        export_graph(nn.Dropout(), (torch.randn(2),))


def test_control_flow_on_values_is_refused(call):
    module = call(lambda x: x + 1 if x.sum() > 0 else x).eval()
    with pytest.raises(LoweringError, match=r"\[export_graph\].*torch.export"):
        export_graph(module, (torch.randn(2),))
