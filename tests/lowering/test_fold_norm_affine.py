import pytest
import torch
from torch import nn

from hvit_edge.lowering.fold_norm_affine import fold_norm_affine

TOKENS = torch.randn(1, 6, 8)


def trained(norm: nn.LayerNorm) -> nn.LayerNorm:
    for tensor in norm.parameters():
        nn.init.uniform_(tensor, 0.5, 2.0)
    return norm


class Normed(nn.Module):
    """A layer norm whose output goes through `between` into `readers`."""

    def __init__(self, readers: list[nn.Module], between=lambda n: n, beside=False, **norm) -> None:
        super().__init__()
        self.norm = trained(nn.LayerNorm(8, **norm))
        self.readers = nn.ModuleList(readers)
        self.between, self.beside = between, beside

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        normed = self.norm(x)
        read = tuple(reader(self.between(normed)) for reader in self.readers)
        return (*read, normed) if self.beside else read


def has_affine(module: nn.Module, x: torch.Tensor) -> bool:
    """Return True if the rewritten norm still multiplies or shifts."""
    from hvit_edge.lowering import export_graph
    from hvit_edge.lowering.graph import aten, nodes_calling

    graph = export_graph(module.eval(), (x,))
    fold_norm_affine(graph)
    (norm,) = nodes_calling(graph, aten.layer_norm.default)
    return norm.args[2] is not None


MAP = TOKENS.shape[0], 2, 3, 8
READERS = {
    "linear": ([nn.Linear(8, 5)], lambda n: n),
    "linear without bias": ([nn.Linear(8, 5, bias=False)], lambda n: n),
    "several linears": ([nn.Linear(8, 5), nn.Linear(8, 3)], lambda n: n),
    "windows": (
        [nn.Linear(8, 5)],
        lambda n: n.reshape(MAP).roll((1, 1), (1, 2)).permute(0, 2, 1, 3).reshape(3, 2, 8),
    ),
    "first token": ([nn.Linear(8, 5)], lambda n: n[:, 0:1].reshape(1, 8)),
    "1x1 convolution": ([nn.Conv2d(8, 4, 1)], lambda n: n.reshape(MAP).permute(0, 3, 1, 2)),
    "strided convolution": (
        [nn.Conv2d(8, 4, (2, 3), stride=2, bias=False)],
        lambda n: n.reshape(MAP).permute(0, 3, 1, 2),
    ),
}
NEAR_MISSES = {
    "another reader": Normed([nn.Linear(8, 5)], beside=True),
    "padded convolution": Normed(
        [nn.Conv2d(8, 4, 3, padding=1)], lambda n: n.reshape(MAP).permute(0, 3, 1, 2)
    ),
    "grouped convolution": Normed(
        [nn.Conv2d(8, 4, 1, groups=2)], lambda n: n.reshape(MAP).permute(0, 3, 1, 2)
    ),
    "channels split": Normed([nn.Linear(4, 5)], lambda n: n.reshape(1, 6, 2, 4)),
    "channels rolled": Normed([nn.Linear(8, 5)], lambda n: n.roll(1, 2)),
    "channels sliced": Normed([nn.Linear(4, 5)], lambda n: n[:, :, 0:4]),
    "activation between": Normed([nn.Linear(8, 5)], lambda n: n.relu()),
    "linear over tokens": Normed([nn.Linear(6, 5)], lambda n: n.permute(0, 2, 1)),
    "no affine parameters": Normed([nn.Linear(8, 5)], elementwise_affine=False),
}


@pytest.mark.parametrize("name", READERS)
def test_folded(name, rewritten):
    readers, between = READERS[name]
    module = Normed(readers, between)
    rewritten(fold_norm_affine, module, TOKENS)
    assert not has_affine(module.float(), TOKENS)


def test_norm_without_shift(rewritten):
    rewritten(fold_norm_affine, Normed([nn.Linear(8, 5)], bias=False), TOKENS)


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_near_miss_stays(name, untouched):
    untouched(fold_norm_affine, NEAR_MISSES[name], TOKENS)
