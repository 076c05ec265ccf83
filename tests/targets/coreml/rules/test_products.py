import pytest
import torch

IMAGE = torch.randn(2, 4, 6, 10, generator=torch.Generator().manual_seed(0))
MATRIX = torch.randn(10, 5, generator=torch.Generator().manual_seed(1))
FUNCTIONS = {
    "vectors": lambda x, m: x[0, 0, 0] @ m + x[0, 0, 0] @ m.cos(),
    "matrix and vector": lambda x, m: x[0, 0] @ x[1, 1, 1],
    "vector and vector": lambda x, m: x[0, 0, 0] @ x[1, 1, 1] * x,
    "maps and a vector": lambda x, m: x @ x[0, 0, 0],
    "maps and a constant": lambda x, m: x @ m,
    "a batch that broadcasts": lambda x, m: x @ x[:1, :1].transpose(2, 3),
    "six dimensions": lambda x, m: (
        x.reshape(2, 2, 2, 3, 2, 10) @ x.reshape(2, 2, 2, 3, 2, 10).transpose(4, 5)
    ),
    "six dimensions that broadcast": lambda x, m: (
        x.reshape(2, 2, 2, 3, 2, 10) @ x[:, :1].reshape(2, 1, 1, 3, 2, 10).transpose(4, 5)
    ),
    "windows of a map": lambda x, m: (
        x.reshape(2, 4, 2, 3, 5, 2).permute(0, 2, 4, 3, 5, 1)
        @ x.reshape(2, 4, 2, 3, 5, 2).permute(0, 2, 4, 3, 1, 5)
    ),
    "addmm": lambda x, m: torch.addmm(x[0, 0, :, :5], x[0, 0], m, beta=0.5, alpha=2),
    "baddbmm": lambda x, m: torch.baddbmm(x[0, :, :, :6], x[0], x[1].transpose(1, 2)),
    "einsum": lambda x, m: torch.einsum("bchw,bdhw->bcd", x, x.exp()),
    "einsum of a vector": lambda x, m: torch.einsum("bchw,w->bhc", x, m[:, 0]),
    "computed linear": lambda x, m: torch.nn.functional.linear(x, x[0, 0], x[0, 0, :, 0]),
    "outer product": lambda x, m: torch.outer(x[0, 0, 0], x[1, 1, 1]),
}


@pytest.mark.slow
def test_products(agree):
    agree(FUNCTIONS, IMAGE, MATRIX)
