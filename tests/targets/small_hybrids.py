"""Small classifiers, one for each kind of block that hybrids of others are made of.

Each maps images [1, 3, 32, 32] to logits [1, 10]. They are written as such networks often are: in
place, with parameters that scale, tables that are indexed, and shapes that change on the way.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

SIZE, WIDTH, CLASSES = 32, 16, 10


class Hybrid(nn.Module):
    """A stem, blocks on its map [1, 16, 8, 8], and a head on the mean."""

    def __init__(self, *blocks: nn.Module) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, WIDTH, 3, stride=4, padding=1, bias=False),
            nn.BatchNorm2d(WIDTH),
            nn.ReLU(inplace=True),
        )
        self.blocks, self.head = nn.Sequential(*blocks), nn.Linear(WIDTH, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images to logits."""
        return self.head(F.adaptive_avg_pool2d(self.blocks(self.stem(x)), 1).flatten(1))


class SqueezeExcite(nn.Module):
    """An inverted residual with squeeze and excitation, as MobileNetV3 has it."""

    def __init__(self) -> None:
        super().__init__()
        self.expand, self.project = nn.Conv2d(WIDTH, 32, 1), nn.Conv2d(32, WIDTH, 1)
        self.depthwise = nn.Conv2d(32, 32, 5, padding=2, groups=32)
        self.reduce, self.widen = nn.Conv2d(32, 8, 1), nn.Conv2d(8, 32, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.hardswish(self.expand(x), inplace=True)
        y = F.hardswish(self.depthwise(y), inplace=True)
        gate = F.relu(self.reduce(y.mean((2, 3), keepdim=True)), inplace=True)
        y *= F.hardsigmoid(self.widen(gate))
        return x + self.project(y)


class LayerScale(nn.Module):
    """A wide depthwise convolution, and a perceptron on channels last, as ConvNeXt has it."""

    def __init__(self) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(WIDTH, WIDTH, 7, padding=3, groups=WIDTH)
        self.norm, self.up, self.down = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 32), nn.Linear(32, 16)
        self.gamma = nn.Parameter(torch.full((WIDTH,), 0.5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        y = self.gamma * self.down(F.gelu(self.up(y)))
        return x + y.permute(0, 3, 1, 2)


class PoolMixer(nn.Module):
    """A pool less its middle, and a norm over all channels, as PoolFormer has it."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.pool = (
            nn.GroupNorm(1, WIDTH),
            nn.AvgPool2d(3, 1, 1, count_include_pad=False),
        )
        self.scale = nn.Parameter(torch.full((WIDTH, 1, 1), 0.5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norm(x)
        return x + self.scale * (self.pool(y) - y)


class Windows(nn.Module):
    """Attention in shifted windows with a table of relative positions, as Swin has it."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.project = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.table = nn.Parameter(torch.randn(49, 2))
        place = torch.stack(torch.meshgrid(torch.arange(4), torch.arange(4), indexing="ij"))
        apart = (place.flatten(1)[:, :, None] - place.flatten(1)[:, None]) + 3
        self.register_buffer("index", apart[0] * 7 + apart[1])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        _, channels, height, width = x.shape
        y = torch.roll(x.permute(0, 2, 3, 1), (-2, -2), (1, 2))
        y = y.view(1, height // 4, 4, width // 4, 4, channels).permute(0, 1, 3, 2, 4, 5)
        y = y.reshape(-1, 16, channels)
        q, k, v = self.qkv(y).reshape(-1, 16, 3, 2, 8).permute(2, 0, 3, 1, 4).unbind(0)
        bias = self.table[self.index.view(-1)].view(16, 16, 2).permute(2, 0, 1).contiguous()
        scores = (q * 8**-0.5) @ k.transpose(-2, -1) + bias.unsqueeze(0)
        y = (scores.softmax(-1) @ v).transpose(1, 2).reshape(-1, 16, channels)
        y = self.project(y).view(1, height // 4, width // 4, 4, 4, channels)
        y = y.permute(0, 1, 3, 2, 4, 5).reshape(1, height, width, channels)
        return x + torch.roll(y, (2, 2), (1, 2)).permute(0, 3, 1, 2)


class LinearAttention(nn.Module):
    """Attention by a ReLU kernel, with a row of ones for the divisor, as EfficientViT has it."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Conv2d(WIDTH, 3 * WIDTH, 1)
        self.aggregate = nn.Conv2d(3 * WIDTH, 3 * WIDTH, 3, padding=1, groups=6)
        self.project = nn.Conv2d(2 * WIDTH, WIDTH, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        qkv = self.qkv(x)
        both = torch.cat([qkv, self.aggregate(qkv)], 1)
        q, k, v = both.reshape(1, -1, 24, 64).transpose(-1, -2).chunk(3, -1)
        q, k, v = F.relu(q), F.relu(k), F.pad(v, (0, 1), value=1.0)
        y = q @ (k.transpose(-1, -2) @ v)
        y = y[..., :-1] / (y[..., -1:] + 1e-5)
        return x + self.project(y.transpose(-1, -2).reshape(1, -1, *x.shape[2:]))


class Subsampled(nn.Module):
    """Attention of a quarter of the tokens, batch norms after linears, as LeViT has it."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.kv = nn.Linear(WIDTH, 16, bias=False), nn.Linear(WIDTH, 48, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm1d(width) for width in (16, 48, 16))
        self.project = nn.Linear(32, WIDTH, bias=False)
        self.biases = nn.Parameter(torch.randn(2, 64))
        self.register_buffer("places", torch.arange(16)[:, None] * 3 % 64 ^ torch.arange(64)[None])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tokens = x.flatten(2).transpose(1, 2)
        some = tokens.view(1, 8, 8, WIDTH)[:, ::2, ::2].reshape(1, 16, WIDTH)
        q, kv = (
            norm(linear(y).flatten(0, 1)).reshape(1, y.shape[1], -1)
            for norm, linear, y in zip(self.norms, (self.q, self.kv), (some, tokens), strict=False)
        )
        k, v = kv.view(1, 64, 2, 24).split([8, 16], dim=3)
        scores = q.view(1, 16, 2, 8).permute(0, 2, 1, 3) @ k.permute(0, 2, 3, 1) * 8**-0.5
        scores = scores + self.biases[:, self.places]
        y = (scores.softmax(-1) @ v.permute(0, 2, 1, 3)).transpose(1, 2).reshape(1, 16, 32)
        y = self.norms[2](self.project(F.hardswish(y)).flatten(0, 1)).reshape(1, 16, WIDTH)
        return y.transpose(1, 2).reshape(1, WIDTH, 4, 4)


class Covariance(nn.Module):
    """A cascade over parts of the channels, then attention between channels, as EdgeNeXt has it."""

    def __init__(self) -> None:
        super().__init__()
        self.cascade = nn.ModuleList(nn.Conv2d(4, 4, 3, padding=1, groups=4) for _ in range(3))
        self.qkv, self.project = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.temperature = nn.Parameter(torch.ones(2, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        parts = list(x.chunk(4, dim=1))
        for index, convolution in enumerate(self.cascade):
            parts[index] = convolution(parts[index] + parts[index - 1] if index else parts[index])
        y = torch.cat(parts, 1).flatten(2).permute(0, 2, 1)
        q, k, v = self.qkv(y).reshape(1, 64, 3, 2, 8).permute(2, 0, 3, 4, 1)
        scores = F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-2, -1)
        y = (scores * self.temperature).softmax(-1) @ v
        y = self.project(y.permute(0, 3, 1, 2).reshape(1, 64, WIDTH))
        return x + y.permute(0, 2, 1).reshape(x.shape)


class Additive(nn.Module):
    """Additive attention: one query for all tokens, as SwiftFormer has it."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)
        self.weight = nn.Parameter(torch.randn(WIDTH, 1))
        self.project = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tokens = x.permute(0, 2, 3, 1).reshape(1, 64, WIDTH)
        q, k = F.normalize(self.q(tokens), dim=-1), F.normalize(self.k(tokens), dim=-1)
        weight = F.normalize(q @ self.weight * WIDTH**-0.5, dim=1)
        whole = (weight * q).sum(dim=1, keepdim=True).expand(-1, 64, -1)
        y = self.project(whole * k) + q
        return x + y.reshape(1, 8, 8, WIDTH).permute(0, 3, 1, 2)


class Focal(nn.Module):
    """Modulation by context of several widths, each with a gate, as FocalNet has it."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(WIDTH, 2 * WIDTH + 3)
        self.layers = nn.ModuleList(
            nn.Conv2d(WIDTH, WIDTH, size, padding=size // 2, groups=WIDTH) for size in (3, 5)
        )
        self.mix, self.project = nn.Conv2d(WIDTH, WIDTH, 1), nn.Linear(WIDTH, WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.inner(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        q, context, gates = torch.split(y, (WIDTH, WIDTH, 3), 1)
        total = 0
        for index, layer in enumerate(self.layers):
            context = F.gelu(layer(context))
            total = total + context * gates[:, index : index + 1]
        whole = F.gelu(context.mean(2, keepdim=True).mean(3, keepdim=True))
        y = q * self.mix(total + whole * gates[:, 2:])
        return x + self.project(y.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Separable(nn.Module):
    """Patches of pixels, and attention by one score a token, as MobileViTv2 has it."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.project = nn.GroupNorm(1, WIDTH), nn.Conv2d(WIDTH, WIDTH, 1)
        self.qkv = nn.Conv2d(WIDTH, 1 + 2 * WIDTH, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x.reshape(1, WIDTH, 4, 2, 4, 2).permute(0, 1, 3, 5, 2, 4).reshape(1, WIDTH, 4, 16)
        q, k, v = self.qkv(self.norm(y)).split([1, WIDTH, WIDTH], dim=1)
        context = (k * F.softmax(q, dim=-1)).sum(dim=-1, keepdim=True)
        y = y + self.project(F.relu(v) * context.expand_as(v))
        y = y.reshape(1, WIDTH, 2, 2, 4, 4).permute(0, 1, 4, 2, 5, 3)
        return y.reshape(x.shape)


class Branches(nn.Module):
    """Convolutions side by side and a norm of the input itself, as MobileOne trains them."""

    def __init__(self) -> None:
        super().__init__()
        self.wide, self.narrow = nn.Conv2d(WIDTH, WIDTH, 3, padding=1), nn.Conv2d(WIDTH, WIDTH, 1)
        self.norms = nn.ModuleList(nn.BatchNorm2d(WIDTH) for _ in range(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        wide, narrow, same = self.norms
        y = wide(self.wide(x))
        y += narrow(self.narrow(x))
        y += same(x)
        return F.silu(y, inplace=True)


class Recurrent(nn.Module):
    """Recurrence over some rows, in both ways, as Sequencer has it, and a gate that looks back."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = nn.LSTM(WIDTH, WIDTH // 2, batch_first=True, bidirectional=True)
        self.gate = nn.GRUCell(WIDTH, WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y, (h, _) = self.rows(x[:, :, ::2].mean(3).permute(0, 2, 1))
        gate = self.gate(y.mean(1), h.permute(1, 0, 2).reshape(1, WIDTH))
        return x * gate[..., None, None]


BLOCKS = (
    SqueezeExcite,
    LayerScale,
    PoolMixer,
    Windows,
    LinearAttention,
    Subsampled,
    Covariance,
    Additive,
    Focal,
    Separable,
    Branches,
    Recurrent,
)


def small_hybrid(block: type[nn.Module]) -> Hybrid:
    """Return a classifier with one block, in eval mode, whose norms are not trivial."""
    torch.manual_seed(0)
    module = Hybrid(block())
    for norm in module.modules():
        if isinstance(norm, (nn.BatchNorm1d, nn.BatchNorm2d, nn.GroupNorm, nn.LayerNorm)):
            nn.init.uniform_(norm.weight, 0.5, 1.5)
            nn.init.uniform_(norm.bias, -0.5, 0.5)
        if isinstance(norm, (nn.BatchNorm1d, nn.BatchNorm2d)):
            norm.running_mean.uniform_(-0.2, 0.2)
            norm.running_var.uniform_(0.5, 1.5)
    return module.eval()
