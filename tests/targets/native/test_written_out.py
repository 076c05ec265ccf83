"""Operators that the backend runs as others, by definition, against eager PyTorch in float64."""

import torch
from torch import nn
from torch.nn import functional as F

SHAPE = (2, 6, 8)


class First(nn.Module):
    """The first result of a layer."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x)[0]


class Pairs(nn.Module):
    """A bilinear form of two parts of a tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Bilinear(5, 3, 7)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x[..., :5], x[..., 5:])


FLOAT = 2e-6  # float32, of a few operators after one another
FUNCTIONS = {
    "expm1": torch.expm1,
    "log1p": lambda x: x.abs().log1p(),
    "log2": lambda x: x.abs().log2(),
    "log10": lambda x: x.abs().log10(),
    "exp2": torch.exp2,
    "sinh": torch.sinh,
    "cosh": torch.cosh,
    "tan": lambda x: torch.tan(x / 8),
    "asinh": torch.asinh,
    "atanh": lambda x: torch.atanh(x / 8),
    "hypot": lambda x: torch.hypot(x, x.flip(1)),
    "trunc": torch.trunc,
    "frac": torch.frac,
    "isinf": lambda x: torch.where((1 / x.relu()).isinf(), x, 1.0),
    "isnan": lambda x: torch.where((x.relu() / x.relu()).isnan(), x, 1.0),
    "nan_to_num": lambda x: torch.nan_to_num(x / x.relu(), 3.0, 2.0, -2.0),
    "hardshrink": F.hardshrink,
    "softshrink": F.softshrink,
    "threshold": lambda x: F.threshold(x, 0.1, -1.0),
    "rrelu": F.rrelu,
    "lerp": lambda x: torch.lerp(x, x.flip(1), 0.3),
    "logaddexp": lambda x: torch.logaddexp(x, x.flip(1)),
    "clamp by tensors": lambda x: torch.clamp(x, min=-x.abs() / 2, max=x.abs() / 3),
    "clamp_min by a tensor": lambda x: torch.clamp(x, min=x.flip(1)),
    "erfc": torch.special.erfc,
    "floor division": lambda x: (10 * x) // 3,
    "truncating division": lambda x: torch.div(10 * x, x.flip(1), rounding_mode="trunc"),
    "remainder": lambda x: torch.remainder(10 * x, 3),
    "remainder of a tensor": lambda x: torch.remainder(10 * x, x.flip(1).abs() + 1),
    "fmod": lambda x: torch.fmod(10 * x, 3),
    "norm of order 4": lambda x: F.normalize(x, p=4.0, dim=1),
    "norm of all, of order 3": lambda x: torch.linalg.vector_norm(x, 3),
    "prod": lambda x: x.prod(-1),
    "prod of all": lambda x: x[:, :2, :3].prod(),
    "bucketize": lambda x: torch.bucketize(x, torch.tensor([-1.0, 0, 1], dtype=x.dtype)) / 3,
}
COMBINED = {
    "einsum of three": lambda x: torch.einsum("bij,bkj,bkl->bil", x, x, x),
    "einsum with dots": lambda x: torch.einsum("...ij,...kj->...ik", x, x),
    "einsum that sums": lambda x: torch.einsum("bij->b", x),
    "einsum that sums a side": lambda x: torch.einsum("bij,bkl->bi", x, x),
    "outer": lambda x: torch.outer(x[0, 0], x[0, 1]),
    "tensordot": lambda x: torch.tensordot(x, x, dims=([1], [1])),
    "cosine_similarity": lambda x: F.cosine_similarity(x, x.flip(1), dim=-1),
    "pairwise_distance": lambda x: F.pairwise_distance(x, x.flip(1)),
    "cdist": lambda x: torch.cdist(x, x + 1),
    "logsumexp": lambda x: x.logsumexp(-1),
    "std_mean": lambda x: sum(torch.std_mean(x, -1)),
    "var_mean": lambda x: sum(torch.var_mean(x, 1, keepdim=True)),
    "cumprod": lambda x: x.cumprod(1),
    "diff": lambda x: x.diff(dim=1),
    "aminmax": lambda x: x.aminmax(dim=1)[1] - x.aminmax(dim=1)[0],
    "count": lambda x: (x > 0).sum(1) / 7,
    "fourier": lambda x: torch.fft.irfft2(torch.fft.rfft2(x) * (1 + 2j), s=(6, 8)),
    "complex rotation": lambda x: torch.view_as_real(
        torch.view_as_complex(x.reshape(2, 6, 4, 2)) * torch.polar(x[..., :4].abs(), x[..., 4:])
    ),
    "float64": lambda x: (x.double().cumsum(1) / 3).to(x.dtype),
    "places that are written": lambda x: x.index_copy(2, torch.tensor([5, 0]), x[..., :2] * 3),
    "many places": lambda x: x.index_fill(2, torch.arange(0, 8, 2), 0.5).cumsum(1),
    "sums at places": lambda x: x.index_add(1, torch.tensor([0, 0, 3, 1]), x[:, :4] * 2),
    "view by strides": lambda x: (2 * x).mT.as_strided((2, 5, 4, 3), (48, 8, 1, 2)).sum(1),
    "local response norm": lambda x: F.local_response_norm(x, 3),
    "average of volumes": lambda x: F.avg_pool3d(
        x.reshape(1, 2, 3, 4, 4), (2, 3, 2), 2, padding=(1, 1, 0)
    ),
    "to a tensor's dtype": lambda x: (x == x.max(-1, keepdim=True)[0]).to(x) * x,
}

LAYERS = {
    "conv3d": (nn.Conv3d(2, 3, (3, 2, 3), (2, 1, 1), 1), (1, 2, 5, 6, 7)),
    "bilinear": (Pairs(), SHAPE),
    "gru": (First(nn.GRU(8, 5, batch_first=True, bidirectional=True)), SHAPE),
}


def test_functions(run_each):
    for name, ran in run_each({name: (f, SHAPE) for name, f in FUNCTIONS.items()}).items():
        assert ran.error < FLOAT, name


def test_combinations(run_each):
    for name, ran in run_each({name: (f, SHAPE) for name, f in COMBINED.items()}).items():
        assert ran.error < FLOAT, name


def test_layers(run_each):
    for name, ran in run_each(LAYERS).items():
        assert ran.error < FLOAT, name


def sampled(**options):
    def sample(x):
        maps = x.reshape(2, 3, 4, 8)
        grid = torch.tanh(1.5 * maps[:, :2, :, :5]).permute(0, 2, 3, 1) * 1.6
        return F.grid_sample(maps, grid, **options)

    return sample


def transformed(x):
    turn = torch.tensor([[[0.8, 0.3, 0.05], [-0.3, 0.8, 0.1]]], dtype=x.dtype).expand(2, 2, 3)
    grid = F.affine_grid(turn, [2, 3, 5, 6], align_corners=False)
    return F.grid_sample(x.reshape(2, 3, 4, 8), grid, align_corners=False)


SAMPLERS = {
    "zeros": sampled(align_corners=False),
    "corners": sampled(align_corners=True),
    "border": sampled(padding_mode="border", align_corners=False),
    "reflection": sampled(padding_mode="reflection", align_corners=False),
    "reflection at corners": sampled(padding_mode="reflection", align_corners=True),
    "nearest": sampled(mode="nearest", padding_mode="border", align_corners=False),
    "a constant grid": transformed,
}
POSITIONS = 2e-5  # a coordinate of float32 moves what is sampled between two pixels


def test_samplers(run_each):
    cases = {name: (sampler, (2, 96)) for name, sampler in SAMPLERS.items()}
    for name, ran in run_each(cases).items():
        assert ran.error < POSITIONS, name
