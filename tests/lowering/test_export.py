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


def test_an_output_whose_shape_depends_on_values_is_refused(call):
    module = call(lambda x: (x * 2, x[x > 0])).eval()
    with pytest.raises(
        LoweringError,
        match=r"got output 1 .*aten\.index\.Tensor.*torch\.where",
    ):
        export_graph(module, (torch.ones(2),))


def test_a_shape_inside_may_depend_on_values(call):
    module = call(lambda x: x[x > 0].sum()).eval()
    assert export_graph(module, (torch.ones(2),))(torch.ones(2)) == 2


def test_messages_have_the_paths_of_the_owner():
    class Branch(nn.Module):
        def forward(self, x):
            return x + 1 if x.sum() > 0 else x

    class Wrapper(nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def forward(self, x):
            return self.inner(x)

    owner = nn.Sequential(Branch()).eval()
    with pytest.raises(LoweringError, match=r"\(in 0 \(Branch\), "):
        export_graph(Wrapper(owner).eval(), (torch.ones(2),), owner=owner)
