import torch
from torch import nn

from hvit_edge.sources.checkpoint import fill_random
from hvit_edge.sources.settle_norms import settle_norms


class Deep(nn.Module):
    """A plain network whose layers amplify their input."""

    def __init__(self, layers=30, gain=10.0):
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Conv2d(8 if i else 3, 8, 1), nn.BatchNorm2d(8), nn.ReLU())
            for i in range(layers)
        )
        self.gain = gain

    def forward(self, x):
        for layer in self.layers:
            x = layer(self.gain * x)
        return x.mean((2, 3))


def settled(gain, example):
    module = fill_random(Deep(gain=gain)).eval()
    settle_norms(module, example)
    return module


def test_a_signal_neither_explodes_nor_dies():
    torch.manual_seed(0)
    example = torch.rand(2, 3, 16, 16)
    for gain in (10.0, 0.05):
        with torch.no_grad():
            raw = fill_random(Deep(gain=gain)).eval()(example)
            found = settled(gain, example)(example)
        dead = (raw[0] - raw[1]).norm() < 1e-4 * raw.norm()
        assert dead or raw.abs().max() > 1e3
        assert 0.1 < found.abs().max() < 10
        assert (found[0] - found[1]).norm() > 0.01 * found.norm()  # it depends on the photo


def test_every_machine_finds_the_same_statistics():
    torch.manual_seed(0)
    example = torch.rand(2, 3, 16, 16)
    first, second = settled(10.0, example), settled(10.0, example.flip(0))  # another order of sums
    for one, other in zip(first.state_dict().values(), second.state_dict().values(), strict=True):
        assert torch.equal(one, other) and one.dtype != torch.float64


def test_a_module_without_batch_norms_or_float64_stays():
    linear = nn.Linear(3, 3)
    before = linear.weight.clone()
    settle_norms(linear, torch.rand(1, 3))
    assert torch.equal(linear.weight, before)

    class Narrow(Deep):
        def forward(self, x):
            return super().forward(x.float())

    module = fill_random(Narrow()).eval()
    state = {key: value.clone() for key, value in module.state_dict().items()}
    settle_norms(module, torch.rand(1, 3, 8, 8))
    for key, value in module.state_dict().items():
        assert torch.equal(value, state[key]) and value.dtype == state[key].dtype
