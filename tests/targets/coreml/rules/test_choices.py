import pytest
import torch

IMAGE = torch.randn(1, 4, 6, 10, generator=torch.Generator().manual_seed(0))
MASK = torch.rand(6, 10, generator=torch.Generator().manual_seed(1)) > 0.4
FUNCTIONS = {
    "alpha": lambda x, m: torch.add(x, x.relu(), alpha=2) - torch.sub(x.exp(), x, alpha=0.5),
    "reversed difference": lambda x, m: 2 - x,
    "number over tensor": lambda x, m: 2 / (x.abs() + 1),
    "rounded quotient": lambda x, m: torch.div(x, 0.3, rounding_mode="floor"),
    "quotient toward zero": lambda x, m: torch.div(x, 0.3, rounding_mode="trunc"),
    "where by a constant": lambda x, m: torch.where(m, x, -2 * x),
    "where by a computed mask": lambda x, m: torch.where(x > 0.3, x, x.exp()),
    "where with numbers": lambda x, m: torch.where(x.mean(1, keepdim=True) > 0, x, 3.0),
    "where of another order": lambda x, m: torch.where(
        m, x.permute(0, 3, 2, 1).reshape(1, 4, 6, 10), x
    ),
    "masked fill": lambda x, m: x.masked_fill(m, 4.0),
    "masked fill of tokens": lambda x, m: (
        x.flatten(2).transpose(1, 2).masked_fill(m.reshape(60, 1), -1.0)
    ),
    "products with truth values": lambda x, m: x * (x > 0) + x * (x.abs() <= 0.5).float(),
    "not and or": lambda x, m: x * (~(x > 0) | (x < -1) & m),
    "equal": lambda x, m: (x.round() == 1) * x + (x.round() != 0),
    "maximum": lambda x, m: torch.maximum(x, x.flip(1)) - torch.minimum(x, x.mean((2, 3), True)),
    "full like": lambda x, m: x * torch.full_like(x, 0.25) + torch.ones_like(x),
    "a write into a slice": lambda x, m: _written(x),
    "a write into every other": lambda x, m: _written_apart(x),
    "six dimensions that broadcast": lambda x, m: (
        x.reshape(1, 2, 2, 3, 2, 10) * x[:, :2].reshape(1, 2, 1, 3, 2, 10).softmax(1)[..., :1]
    ),
    "six dimensions, none of them whole": lambda x, m: (
        x[0, :, :1, :3].reshape(2, 1, 2, 1, 3, 1) + x[0, :, :1, :6].reshape(1, 2, 1, 2, 1, 6)
    ),
}


def _written(x):
    y = x.clone()
    y[:, 1:3, :, 2] = 7.0
    y[:, :, 1:3] *= 2
    return y


def _written_apart(x):
    y = torch.zeros_like(x)
    y[:, :, ::2] = x[:, :, ::2]
    y[:, 0] += x[:, 1]
    return y


@pytest.mark.slow
def test_arithmetic_and_choices(agree):
    agree(FUNCTIONS, IMAGE, MASK)
