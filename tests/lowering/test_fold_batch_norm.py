import pytest
import torch
from torch import nn

from hvit_edge.lowering import export_graph
from hvit_edge.lowering.fold_batch_norm import fold_batch_norm
from hvit_edge.lowering.graph import aten, cleanup, module_path, nodes_calling


def trained(norm: nn.BatchNorm2d) -> nn.BatchNorm2d:
    """A norm whose statistics and affine parameters are not trivial."""
    for tensor in (norm.running_mean, norm.running_var, norm.weight, norm.bias):
        if tensor is not None:
            nn.init.uniform_(tensor, 0.5, 2.0)
    return norm


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("groups", [1, 4])
def test_folds_into_the_convolution(bias, groups, rewritten):
    conv = nn.Conv2d(4, 8, 3, stride=2, padding=1, bias=bias, groups=groups)
    module = nn.Sequential(conv, trained(nn.BatchNorm2d(8, eps=1e-3)))
    assert rewritten(fold_batch_norm, module, torch.randn(1, 4, 8, 8)) == {"conv2d": 1}


def test_norm_without_affine_parameters(rewritten):
    module = nn.Sequential(nn.Conv2d(4, 8, 1), trained(nn.BatchNorm2d(8, affine=False)))
    assert rewritten(fold_batch_norm, module, torch.randn(1, 4, 8, 8)) == {"conv2d": 1}


def test_norm_without_convolution_becomes_scale_and_shift(rewritten):
    after = rewritten(fold_batch_norm, trained(nn.BatchNorm2d(4)), torch.randn(1, 4, 8, 8))
    assert after == {"mul": 1, "add": 1}


class Shared(nn.Module):
    """The convolution's output has another user than the norm, so nothing may fold into it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(4, 4, 1), trained(nn.BatchNorm2d(4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features = self.conv(x)
        return features + self.norm(features)


def test_shared_convolution_keeps_its_weights(rewritten):
    after = rewritten(fold_batch_norm, Shared(), torch.randn(1, 4, 8, 8))
    assert after == {"conv2d": 1, "mul": 1, "add": 2}


def test_transposed_convolution_keeps_its_weights(rewritten):
    module = nn.Sequential(nn.ConvTranspose2d(4, 8, 2), trained(nn.BatchNorm2d(8)))
    after = rewritten(fold_batch_norm, module, torch.randn(1, 4, 8, 8))
    assert after["mul"] == 1


def test_batch_statistics_stay(untouched, call):
    module = call(lambda x: nn.functional.batch_norm(x, None, None, training=True))
    untouched(fold_batch_norm, module, torch.randn(2, 4, 8, 8))


def test_the_result_is_still_the_convolution():
    module = nn.Sequential(nn.Conv2d(4, 8, 1), trained(nn.BatchNorm2d(8))).eval()
    graph = export_graph(module, (torch.randn(1, 4, 8, 8),))
    assert fold_batch_norm(graph)
    cleanup(graph)
    (layer,) = nodes_calling(graph, aten.conv2d.default)
    assert module_path(layer) == "0"
