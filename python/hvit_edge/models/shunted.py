"""Define the Shunted Transformer: half of the heads attend to a coarse map, half to a finer one.

Paper: Shunted Self-Attention via Multi-Scale Token Aggregation, https://arxiv.org/abs/2111.15193
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hvit_edge.models.layers import (
    init_weights,
    map_to_tokens,
    merge_heads,
    split_heads,
    tokens_to_map,
)
from hvit_edge.models.pooled import PooledClassifier
from hvit_edge.models.registry import Published, register_model
from hvit_edge.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess

PAPER = "https://arxiv.org/abs/2111.15193"
DIMS = (64, 128, 256, 512)
HEADS = (2, 4, 8, 16)
MLP_RATIOS = (8, 8, 4, 4)
REDUCTIONS = (8, 4, 2, 1)
EPS = 1e-6  # epsilon of the norms of blocks and stages; embeddings and reductions use 1e-5


def depthwise(channels: int) -> nn.Conv2d:
    """Return a depthwise 3x3 convolution with bias that keeps the size."""
    return nn.Conv2d(channels, channels, 3, padding=1, groups=channels)


class Stem(nn.Module):
    """Makes tokens at 1/4 of the resolution.

    It applies a 7x7 convolution with stride 2, `extra_convs` 3x3 ones, and a 2x2 one with stride 2.
    """

    def __init__(self, dim: int, extra_convs: int) -> None:
        super().__init__()
        layers = [nn.Conv2d(3, dim, 7, 2, 3, bias=False), nn.BatchNorm2d(dim), nn.ReLU()]
        for _ in range(extra_convs):
            layers += [nn.Conv2d(dim, dim, 3, 1, 1, bias=False), nn.BatchNorm2d(dim), nn.ReLU()]
        self.conv = nn.Sequential(*layers, nn.Conv2d(dim, dim, 2, 2))
        self.norm = nn.LayerNorm(dim)

    def forward(self, x: Tensor) -> tuple[Tensor, int, int]:
        """Map [N, 3, H, W] to tokens [N, H / 4 * W / 4, dim], and return H / 4 and W / 4."""
        x = self.conv(x)
        return self.norm(map_to_tokens(x)), x.shape[2], x.shape[3]


class Downsample(nn.Module):
    """Makes tokens of overlapping 3x3 patches with stride 2."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1)
        self.norm = nn.LayerNorm(outputs)

    def forward(self, x: Tensor) -> tuple[Tensor, int, int]:
        """Map [N, inputs, H, W] to tokens [N, H / 2 * W / 2, outputs]; return H / 2 and W / 2."""
        x = self.conv(x)
        return self.norm(map_to_tokens(x)), x.shape[2], x.shape[3]


class ReducedAttention(nn.Module):
    """Applies half of the heads to keys and values at 1 / `reduction` of the resolution."""

    def __init__(self, dim: int, heads: int, reduction: int) -> None:
        super().__init__()
        self.heads = heads
        self.reduction = reduction
        self.reduce = nn.Conv2d(dim, dim, reduction, stride=reduction)
        self.norm = nn.LayerNorm(dim)
        self.act = nn.GELU()
        self.kv = nn.Linear(dim, dim)  # half of the width for k, half for v
        self.local = depthwise(dim // 2)

    def forward(self, q: Tensor, x: Tensor) -> Tensor:
        """Attend to the reduced map.

        Args:
            q: queries [N, H * W, C / 2].
            x: the map [N, C, H, W] from which keys and values are computed.

        Returns:
            [N, H * W, C / 2].
        """
        height, width = x.shape[2] // self.reduction, x.shape[3] // self.reduction
        reduced = self.act(self.norm(map_to_tokens(self.reduce(x))))
        k, v = self.kv(reduced).chunk(2, dim=-1)
        v = v + map_to_tokens(self.local(tokens_to_map(v, height, width)))
        q, k, v = (split_heads(part, self.heads) for part in (q, k, v))
        return merge_heads(F.scaled_dot_product_attention(q, k, v))


class ShuntedAttention(nn.Module):
    """Applies two groups of heads, with keys and values of different resolutions."""

    def __init__(self, dim: int, heads: int, reduction: int) -> None:
        super().__init__()
        self.q = nn.Linear(dim, dim)
        self.coarse = ReducedAttention(dim, heads // 2, reduction)
        self.fine = ReducedAttention(dim, heads // 2, reduction // 2)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor, height: int, width: int) -> Tensor:
        """Map [N, H * W, C] to [N, H * W, C]."""
        coarse_q, fine_q = self.q(x).chunk(2, dim=-1)
        x = tokens_to_map(x, height, width)
        return self.proj(torch.cat((self.coarse(coarse_q, x), self.fine(fine_q, x)), dim=-1))


class LocalAttention(nn.Module):
    """Applies self-attention plus a depthwise convolution of the values, in the last stage."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q = nn.Linear(dim, dim)
        self.kv = nn.Linear(dim, 2 * dim)
        self.local = depthwise(dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor, height: int, width: int) -> Tensor:
        """Map [N, H * W, C] to [N, H * W, C]."""
        k, v = self.kv(x).chunk(2, dim=-1)
        local = map_to_tokens(self.local(tokens_to_map(v, height, width)))
        q, k, v = (split_heads(part, self.heads) for part in (self.q(x), k, v))
        return self.proj(merge_heads(F.scaled_dot_product_attention(q, k, v)) + local)


class LocalMlp(nn.Module):
    """Applies an MLP that adds a depthwise convolution of its hidden layer to that layer."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden)
        self.local = depthwise(hidden)
        self.act = nn.GELU()
        self.fc2 = nn.Linear(hidden, dim)

    def forward(self, x: Tensor, height: int, width: int) -> Tensor:
        """Map [N, H * W, C] to [N, H * W, C]."""
        x = self.fc1(x)
        local = map_to_tokens(self.local(tokens_to_map(x, height, width)))
        return self.fc2(self.act(x + local))


class Block(nn.Module):
    """Applies a pre-norm block: shunted or plain attention, then the MLP, each with a skip."""

    def __init__(self, dim: int, heads: int, mlp_ratio: int, reduction: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=EPS)
        self.attn = (
            ShuntedAttention(dim, heads, reduction) if reduction > 1 else LocalAttention(dim, heads)
        )
        self.norm2 = nn.LayerNorm(dim, eps=EPS)
        self.mlp = LocalMlp(dim, mlp_ratio * dim)

    def forward(self, x: Tensor, height: int, width: int) -> Tensor:
        """Map [N, H * W, C] to [N, H * W, C]."""
        x = x + self.attn(self.norm1(x), height, width)
        return x + self.mlp(self.norm2(x), height, width)


class Stage(nn.Module):
    """Applies an embedding, blocks at one resolution, and a norm."""

    def __init__(self, index: int, depth: int, extra_convs: int) -> None:
        super().__init__()
        dim = DIMS[index]
        self.embed = Stem(dim, extra_convs) if index == 0 else Downsample(DIMS[index - 1], dim)
        self.blocks = nn.ModuleList(
            Block(dim, HEADS[index], MLP_RATIOS[index], REDUCTIONS[index]) for _ in range(depth)
        )
        self.norm = nn.LayerNorm(dim, eps=EPS)

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, inputs, H, W] to [N, dim, H / s, W / s]; s is 4 in the first stage, then 2."""
        x, height, width = self.embed(x)
        for block in self.blocks:
            x = block(x, height, width)
        return tokens_to_map(self.norm(x), height, width)


class ShuntedTransformer(PooledClassifier):
    """Classifies images with four stages at 1/4, 1/8, 1/16 and 1/32 of the input size."""

    def __init__(
        self, depths: tuple[int, int, int, int], *, extra_convs: int, num_classes: int = 1000
    ) -> None:
        super().__init__()
        self.stages = nn.Sequential(
            *(Stage(index, depth, extra_convs) for index, depth in enumerate(depths))
        )
        self.head = nn.Linear(DIMS[-1], num_classes)
        self.apply(init_weights)

    def forward(self, x: Tensor) -> Tensor:
        """Map float32 [N, 3, H, W] to logits float32 [N, num_classes]."""
        return self.head(self.features(x))

    def features(self, x: Tensor) -> Tensor:
        """Map float32 [N, 3, H, W] to the mean of the tokens, float32 [N, DIMS[-1]]."""
        return map_to_tokens(self.stages(x)).mean(dim=1)


PREPROCESS = Preprocess(
    (224, 224), resize_size=256, interpolation="bicubic", mean=IMAGENET_MEAN, std=IMAGENET_STD
)
FILES = "the drive links of github.com/OliverRensu/Shunted-Transformer"


def published(top1: float) -> Published:
    """Return the description of the authors' checkpoint."""
    return Published(PAPER, PREPROCESS, files=FILES, top1=top1)


@register_model("shunted_t", default=published(79.8), multiple=32)
def shunted_t(num_classes: int, input_size: tuple[int, int]) -> ShuntedTransformer:
    """Build the variant of 11.5 M parameters."""
    return ShuntedTransformer((1, 2, 4, 1), extra_convs=0, num_classes=num_classes)


@register_model("shunted_s", default=published(82.9), multiple=32)
def shunted_s(num_classes: int, input_size: tuple[int, int]) -> ShuntedTransformer:
    """Build the variant of 22.4 M parameters."""
    return ShuntedTransformer((2, 4, 12, 1), extra_convs=1, num_classes=num_classes)


@register_model("shunted_b", default=published(84.0), multiple=32)
def shunted_b(num_classes: int, input_size: tuple[int, int]) -> ShuntedTransformer:
    """Build the variant of 39.6 M parameters."""
    return ShuntedTransformer((3, 4, 24, 2), extra_convs=2, num_classes=num_classes)
