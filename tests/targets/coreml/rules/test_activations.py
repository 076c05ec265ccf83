import pytest
import torch
from torch.nn import functional as F

IMAGE = 3 * torch.randn(1, 4, 6, 10, generator=torch.Generator().manual_seed(0))
SLOPES = torch.tensor([0.1, -0.3, 0.7, 1.2])
FUNCTIONS = {
    "hardsigmoid": lambda x, s: F.hardsigmoid(x),
    "hardswish": lambda x, s: F.hardswish(x),
    "relu6": lambda x, s: F.relu6(x),
    "hardtanh": lambda x, s: F.hardtanh(x, -0.5, 2.5),
    "hardtanh as it is": lambda x, s: F.hardtanh(x),
    "clamp": lambda x, s: x.clamp(-1.5, 2),
    "clamp from below": lambda x, s: x.clamp(min=-1.5),
    "clamp from above": lambda x, s: x.clamp(max=1.5),
    "clamp_min": lambda x, s: x.clamp_min(0.25),
    "clamp_max": lambda x, s: x.clamp_max(0.25),
    "clamp the wrong way": lambda x, s: x.clamp(2, -1),
    "clamp by tensors": lambda x, s: x.clamp(min=-x.abs().mean() / 2 - 0 * x),
    "large numbers": lambda x, s: (x * 1e6).clamp(min=-1e5),
    "leaky ReLU": lambda x, s: F.leaky_relu(x, 0.2),
    "PReLU of channels": lambda x, s: F.prelu(x, s),
    "PReLU of one slope": lambda x, s: F.prelu(x, s[:1]),
    "PReLU of features": lambda x, s: F.prelu(x.mean((2, 3)), s),
    "ELU": lambda x, s: F.elu(x, 1.5),
    "SELU": lambda x, s: F.selu(x),
    "CELU": lambda x, s: F.celu(x, 2.0),
    "softplus": lambda x, s: F.softplus(x),
    "softplus with beta": lambda x, s: F.softplus(x, 3.0),
    "mish": lambda x, s: F.mish(x),
    "log sigmoid": lambda x, s: F.logsigmoid(x),
    "GLU": lambda x, s: F.glu(x, 1),
    "GLU of tokens": lambda x, s: F.glu(x.flatten(2).transpose(1, 2), -1),
    "softsign": lambda x, s: F.softsign(x),
    "tanhshrink": lambda x, s: F.tanhshrink(x),
    "negative": lambda x, s: -x,
    "reciprocal": lambda x, s: (x.abs() + 0.1).reciprocal(),
    "rsqrt of small numbers": lambda x, s: (1e-10 * (x.abs() + 0.1)).rsqrt() * 1e-5,
    "log of small numbers": lambda x, s: (1e-10 * (x.abs() + 0.1)).log(),
    "square": lambda x, s: x.square(),
    "powers": lambda x, s: x**2 + x**3 - 0.1 * x**4,
    "powers of halves": lambda x, s: x.abs() ** 0.5 + (x.abs() + 0.1) ** -0.5,
    "power of minus one": lambda x, s: (x.abs() + 1) ** -1,
    "any power": lambda x, s: x.abs() ** 1.3,
    "power of a number": lambda x, s: 2.0**x,
    "log1p": lambda x, s: torch.log1p(x.abs()),
    "lerp, addcmul": lambda x, s: torch.lerp(x, x.abs(), 0.3) + torch.addcmul(x, x, x, value=2),
    "sine": lambda x, s: x.sin() + x.cos() + x.sign(),
}


@pytest.mark.slow
def test_functions_of_one_tensor(agree):
    agree(FUNCTIONS, IMAGE, SLOPES)
