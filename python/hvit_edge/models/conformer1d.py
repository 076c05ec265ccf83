"""Define the Conformer for sequences.

A block applies attention and convolution between two halves of a feed-forward layer.

Paper: Conformer: Convolution-augmented Transformer for Speech Recognition,
https://arxiv.org/abs/2005.08100

The encoder follows the paper. The paper decodes its output to text with an LSTM. Here the mean over
time and a linear layer give classes, so one program computes the complete answer.
`conformer.py` defines another network of the same name, for images.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hvit_edge.errors import InputError
from hvit_edge.models.layers import init_weights
from hvit_edge.models.sequences import register_sequence_model

PAPER = "https://arxiv.org/abs/2005.08100"
MELS = 80
FRAMES = 200
SUBSAMPLING = 4
CLASSES = 35


@dataclass(frozen=True)
class Conformer1dConfig:
    """Holds the size of a variant, as in table 1 of the paper.

    Attributes:
        dim: encoder dimension.
        depth: number of blocks.
        heads: number of attention heads.
        kernel: size of the depthwise convolution in frames; odd, so that it has a middle.
        expansion: factor of the hidden width of a feed-forward layer.
    """

    dim: int
    depth: int
    heads: int
    kernel: int = 31
    expansion: int = 4


class Subsampling(nn.Module):
    """Applies two 3x3 convolutions of stride 2 over time and frequency, and a linear layer."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, dim, 3, stride=2, padding=1)
        self.second = nn.Conv2d(dim, dim, 3, stride=2, padding=1)
        self.project = nn.Linear(dim * (MELS // SUBSAMPLING), dim)

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, frames, 80] to [N, frames / 4, dim]."""
        maps = F.relu(self.second(F.relu(self.first(x.unsqueeze(1)))))
        batch, channels, frames, mels = maps.shape
        return self.project(maps.transpose(1, 2).reshape(batch, frames, channels * mels))


class FeedForward(nn.Module):
    """Applies a norm, a linear, Swish and a linear: section 2.3."""

    def __init__(self, dim: int, expansion: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.expand = nn.Linear(dim, expansion * dim)
        self.project = nn.Linear(expansion * dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, T, C] to [N, T, C]."""
        return self.project(F.silu(self.expand(self.norm(x))))


class RelativeAttention(nn.Module):
    """Applies a norm and self-attention with relative positions: section 2.1.

    score[i, j] = ((q[i] + u) k[j] + (q[i] + v) p[i - j]) / sqrt(d). u and v are learned. p is the
    output of a linear layer for the sinusoids of the distance.
    Source: Transformer-XL, https://arxiv.org/abs/1901.02860.
    """

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.position = nn.Linear(dim, dim, bias=False)
        self.content_bias = nn.Parameter(torch.zeros(heads, dim // heads))
        self.position_bias = nn.Parameter(torch.zeros(heads, dim // heads))
        self.project = nn.Linear(dim, dim)

    def forward(self, x: Tensor, sinusoids: Tensor) -> Tensor:
        """Attend over time.

        Args:
            x: [N, T, C].
            sinusoids: [2 T - 1, C], for the distances T - 1 down to 1 - T; see `distances`.

        Returns:
            [N, T, C].
        """
        batch, frames, channels = x.shape
        q, k, v = self.qkv(self.norm(x)).reshape(batch, frames, 3, self.heads, -1).unbind(2)
        p = self.position(sinusoids).reshape(2 * frames - 1, self.heads, -1)
        content = (q + self.content_bias).transpose(1, 2) @ k.permute(0, 2, 3, 1)
        position = (q + self.position_bias).transpose(1, 2) @ p.permute(1, 2, 0).unsqueeze(0)
        scores = (content + shift(position)) * (channels // self.heads) ** -0.5
        mixed = scores.softmax(-1) @ v.transpose(1, 2)
        return self.project(mixed.transpose(1, 2).reshape(batch, frames, channels))


def distances(frames: int, dim: int) -> Tensor:
    """Return the sinusoids of the distances frames - 1 down to 1 - frames.

    The result is float32 [2 frames - 1, dim].
    """
    distance = torch.arange(frames - 1, -frames, -1, dtype=torch.float32)
    rate = torch.exp(torch.arange(0, dim, 2, dtype=torch.float32) * (-math.log(10000.0) / dim))
    angle = distance[:, None] * rate
    return torch.stack((angle.sin(), angle.cos()), -1).reshape(2 * frames - 1, dim)


def shift(scores: Tensor) -> Tensor:
    """Select each pair's distance: map [N, heads, T, 2 T - 1] to [N, heads, T, T].

    The last dimension is the distance in the input, and the second frame in the result. Row i of
    the result begins at distance i, which is at column T - 1 - i. If one value is added at the
    start of each row and the data is read in rows of length T, the rows begin there.
    """
    batch, heads, frames, width = scores.shape
    padded = F.pad(scores, (1, 0)).reshape(batch, heads, width + 1, frames)
    return padded[:, :, 1:].reshape(batch, heads, frames, width)[..., :frames]


class Convolution(nn.Module):
    """Applies the convolution module of section 2.2.

    It is a norm, a gated pointwise layer, a depthwise convolution over time, a batch norm, Swish
    and a pointwise layer. For the depthwise convolution, time is the width of a map of height one.
    """

    def __init__(self, dim: int, kernel: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.gated = nn.Linear(dim, 2 * dim)
        self.depthwise = nn.Conv2d(dim, dim, (1, kernel), padding=(0, kernel // 2), groups=dim)
        self.batch_norm = nn.BatchNorm2d(dim)
        self.project = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, T, C] to [N, T, C]."""
        value, gate = self.gated(self.norm(x)).chunk(2, dim=-1)
        gated = (value * gate.sigmoid()).transpose(1, 2).unsqueeze(2)
        mixed = F.silu(self.batch_norm(self.depthwise(gated)))
        return self.project(mixed.squeeze(2).transpose(1, 2))


class Block(nn.Module):
    """Applies half a feed-forward layer, attention, convolution, the other half and a norm.

    See section 2.4 of the paper.
    """

    def __init__(self, config: Conformer1dConfig) -> None:
        super().__init__()
        self.first = FeedForward(config.dim, config.expansion)
        self.attention = RelativeAttention(config.dim, config.heads)
        self.convolution = Convolution(config.dim, config.kernel)
        self.second = FeedForward(config.dim, config.expansion)
        self.norm = nn.LayerNorm(config.dim)

    def forward(self, x: Tensor, sinusoids: Tensor) -> Tensor:
        """Map [N, T, C] and [2 T - 1, C] to [N, T, C]."""
        x = x + 0.5 * self.first(x)
        x = x + self.attention(x, sinusoids)
        x = x + self.convolution(x)
        x = x + 0.5 * self.second(x)
        return self.norm(x)


class Conformer1d(nn.Module):
    """Classifies sequences: subsampling, blocks, mean over time, linear.

    Args:
        config: size of the variant.
        num_classes: number of logits.
        frames: number of frames of the input.
    """

    def __init__(self, config: Conformer1dConfig, num_classes: int, frames: int) -> None:
        super().__init__()
        self.frames = frames
        self.subsampling = Subsampling(config.dim)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.depth))
        self.head = nn.Linear(config.dim, num_classes)
        sinusoids = distances(frames // SUBSAMPLING, config.dim)
        self.register_buffer("sinusoids", sinusoids, persistent=False)
        init_weights(self)

    def forward(self, features: Tensor) -> Tensor:
        """Map log-mel features [N, frames, 80] to logits [N, num_classes].

        Raises:
            InputError: `features` have another number of frames or of mel bands.
        """
        if tuple(features.shape[1:]) != (self.frames, MELS):
            raise InputError(
                f"[Conformer1d] expected features [N, {self.frames}, {MELS}], got"
                f" {list(features.shape)}; build the model for this number of frames (input_size=)"
            )
        x = self.subsampling(features)
        for block in self.blocks:
            x = block(x, self.sinusoids)
        return self.head(x.mean(1))


@register_sequence_model(
    "conformer1d_s",
    paper=PAPER,
    argument="features",
    frames=FRAMES,
    bands=MELS,
    multiple=SUBSAMPLING,
    classes=CLASSES,
)
def _small(num_classes: int, frames: int) -> nn.Module:
    return Conformer1d(Conformer1dConfig(dim=144, depth=16, heads=4), num_classes, frames)
