"""Define the Conformer: a convolutional and a transformer branch that exchange features.

Paper: Conformer: Local Features Coupling Global Representations for Visual Recognition,
https://arxiv.org/abs/2105.03889
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hvit_edge.models.initialization import truncated_normal_
from hvit_edge.models.layers import (
    ConvNormAct,
    TransformerBlock,
    global_pool,
    init_weights,
    map_to_tokens,
    tokens_to_map,
)
from hvit_edge.models.pooled import PooledClassifier
from hvit_edge.models.registry import Published, register_model
from hvit_edge.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess

PAPER = "https://arxiv.org/abs/2105.03889"
STEM_CHANNELS = 64
BLOCKS_PER_STAGE = 4
PATCH = 16  # side of a token in pixels of the input
EPS = 1e-6  # epsilon of all norms except the first (stem) and the last, which use 1e-5


@dataclass(frozen=True)
class ConformerConfig:
    """Holds the widths of a variant.

    Attributes:
        channels: outputs of the convolutional branch in its three stages.
        dim: width of the tokens.
        heads: attention heads.
    """

    channels: tuple[int, int, int]
    dim: int
    heads: int


class Bottleneck(nn.Module):
    """Applies a ResNet bottleneck that can add a map to the input of its 3x3 convolution."""

    def __init__(
        self, inputs: int, outputs: int, *, stride: int = 1, project_skip: bool = False
    ) -> None:
        super().__init__()
        hidden = outputs // 4
        self.reduce = ConvNormAct(inputs, hidden, act="relu", eps=EPS)
        self.spatial = ConvNormAct(hidden, hidden, kernel=3, stride=stride, act="relu", eps=EPS)
        self.expand = ConvNormAct(hidden, outputs, eps=EPS)
        self.skip = (
            ConvNormAct(inputs, outputs, stride=stride, eps=EPS) if project_skip else nn.Identity()
        )
        self.act = nn.ReLU()

    def forward(self, x: Tensor, extra: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Apply the block.

        Args:
            x: [N, inputs, H, W].
            extra: [N, outputs / 4, H, W], added before the 3x3 convolution.

        Returns:
            The output [N, outputs, H / stride, W / stride], and the narrow map
            [N, outputs / 4, H / stride, W / stride] before the last convolution.
        """
        narrow = self.reduce(x)
        narrow = self.spatial(narrow if extra is None else narrow + extra)
        return self.act(self.expand(narrow) + self.skip(x)), narrow


class MapToTokens(nn.Module):
    """Turns a map of the convolutional branch into patch tokens: project, average, norm, GELU."""

    def __init__(self, channels: int, dim: int, stride: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(channels, dim, 1)
        self.pool = nn.AvgPool2d(stride) if stride > 1 else nn.Identity()
        self.norm = nn.LayerNorm(dim, eps=EPS)
        self.act = nn.GELU()

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, channels, H, W] to [N, H * W / stride^2, dim]."""
        return self.act(self.norm(map_to_tokens(self.pool(self.project(x)))))


class TokensToMap(nn.Module):
    """Turns tokens into a map of the convolutional branch: project, batch norm, ReLU, repeat."""

    def __init__(self, dim: int, channels: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(dim, channels, 1)
        self.norm = nn.BatchNorm2d(channels, eps=EPS)
        self.act = nn.ReLU()

    def forward(self, tokens: Tensor, height: int, width: int, stride: int) -> Tensor:
        """Map [N, 1 + T, dim] to [N, channels, height, width]; the class token is left out."""
        patches = tokens_to_map(tokens[:, 1:], height // stride, width // stride)
        x = self.act(self.norm(self.project(patches)))
        return x if stride == 1 else F.interpolate(x, size=(height, width), mode="nearest")


class ConformerBlock(nn.Module):
    """Applies one block of both branches.

    Args:
        inputs, outputs: channels of the convolutional branch.
        config: widths of the variant.
        token_stride: side of a token in pixels of this block's map.
        widens: the first bottleneck halves the map and has more outputs than inputs.
        halves_last: the second bottleneck halves the map; only in the last block.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        config: ConformerConfig,
        *,
        token_stride: int,
        widens: bool,
        halves_last: bool,
    ) -> None:
        super().__init__()
        self.token_stride = token_stride
        self.conv = Bottleneck(inputs, outputs, stride=2 if widens else 1, project_skip=widens)
        self.fuse = Bottleneck(
            outputs, outputs, stride=2 if halves_last else 1, project_skip=halves_last
        )
        self.to_tokens = MapToTokens(outputs // 4, config.dim, token_stride)
        self.to_map = TokensToMap(config.dim, outputs // 4)
        self.transformer = transformer_block(config)

    def forward(self, x: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Apply the block.

        Args:
            x: [N, inputs, H, W].
            tokens: [N, 1 + T, dim], the class token first.

        Returns:
            The map [N, outputs, H', W'], and the tokens [N, 1 + T, dim]. H' and W' are smaller by
            a factor of 2 for `widens` and for `halves_last`.
        """
        x, narrow = self.conv(x)
        height, width = narrow.shape[2:]
        # The map has no pixel for the class token, which is therefore added to itself.
        local = torch.cat((tokens[:, :1], self.to_tokens(narrow)), dim=1)
        tokens = self.transformer(local + tokens)
        x, _ = self.fuse(x, self.to_map(tokens, height, width, self.token_stride))
        return x, tokens


class Conformer(PooledClassifier):
    """Classifies images by the mean of the logits of a convolutional and a token head."""

    def __init__(self, config: ConformerConfig, *, num_classes: int = 1000) -> None:
        super().__init__()
        self.class_token = nn.Parameter(torch.empty(1, 1, config.dim))
        self.stem = ConvNormAct(3, STEM_CHANNELS, kernel=7, stride=2, act="relu")
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        self.patch_embed = nn.Conv2d(STEM_CHANNELS, config.dim, PATCH // 4, stride=PATCH // 4)
        self.first_conv = Bottleneck(STEM_CHANNELS, config.channels[0], project_skip=True)
        self.first_transformer = transformer_block(config)
        self.blocks = nn.ModuleList(make_blocks(config))
        self.token_norm = nn.LayerNorm(config.dim)
        self.token_head = nn.Linear(config.dim, num_classes)
        self.conv_head = nn.Linear(config.channels[-1], num_classes)
        self.apply(init_weights)
        truncated_normal_(self.class_token)

    def forward(self, x: Tensor) -> Tensor:
        """Map float32 [N, 3, H, W] to logits float32 [N, num_classes], the mean of both heads."""
        conv_logits, token_logits = self.forward_heads(x)
        return (conv_logits + token_logits) * 0.5

    def forward_heads(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map float32 [N, 3, H, W] to logits of the convolutional and of the token head."""
        x, token = self.branches(x)
        token_logits = self.token_head(token)
        return self.conv_head(global_pool(x)), token_logits

    def features(self, x: Tensor) -> Tensor:
        """Map float32 [N, 3, H, W] to the inputs of both heads, float32 [N, channels[-1] + dim].

        The mean of the map comes first, then the class token.
        """
        x, token = self.branches(x)
        return torch.cat((global_pool(x), token), dim=1)

    def branches(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map float32 [N, 3, H, W] to the last map, and the normalized class token [N, dim]."""
        stem = self.pool(self.stem(x))
        tokens = map_to_tokens(self.patch_embed(stem))
        class_token = self.class_token.expand(tokens.shape[0], -1, -1)
        tokens = self.first_transformer(torch.cat((class_token, tokens), dim=1))
        x, _ = self.first_conv(stem)
        for block in self.blocks:
            x, tokens = block(x, tokens)
        return x, self.token_norm(tokens[:, :1]).flatten(1)


def transformer_block(config: ConformerConfig) -> TransformerBlock:
    """Return a transformer block of a variant."""
    return TransformerBlock(config.dim, config.heads, 4 * config.dim, eps=EPS)


def make_blocks(config: ConformerConfig) -> list[ConformerBlock]:
    """Return the blocks after the first: three in stage one, four each in stages two and three."""
    stages = [stage for stage in range(3) for _ in range(BLOCKS_PER_STAGE)]
    blocks: list[ConformerBlock] = []
    for before, stage in zip(stages, stages[1:], strict=False):
        block = ConformerBlock(
            config.channels[before],
            config.channels[stage],
            config,
            token_stride=PATCH // 4 // 2**stage,
            widens=stage > before,
            halves_last=len(blocks) == len(stages) - 2,
        )
        blocks.append(block)
    return blocks


PREPROCESS = Preprocess(
    (224, 224), resize_size=256, interpolation="bicubic", mean=IMAGENET_MEAN, std=IMAGENET_STD
)
FILES = "the drive links of github.com/pengzhiliang/Conformer"


def published(top1: float) -> Published:
    """Return the description of the authors' checkpoint."""
    return Published(PAPER, PREPROCESS, files=FILES, top1=top1)


@register_model("conformer_ti", default=published(81.3), multiple=32)
def conformer_ti(num_classes: int, input_size: tuple[int, int]) -> Conformer:
    """Build the variant of 23.5 M parameters."""
    config = ConformerConfig(channels=(64, 128, 256), dim=384, heads=6)
    return Conformer(config, num_classes=num_classes)


@register_model("conformer_s", default=published(83.4), multiple=32)
def conformer_s(num_classes: int, input_size: tuple[int, int]) -> Conformer:
    """Build the variant of 37.7 M parameters."""
    config = ConformerConfig(channels=(256, 512, 1024), dim=384, heads=6)
    return Conformer(config, num_classes=num_classes)


@register_model("conformer_b", default=published(84.1), multiple=32)
def conformer_b(num_classes: int, input_size: tuple[int, int]) -> Conformer:
    """Build the variant of 83.3 M parameters."""
    config = ConformerConfig(channels=(384, 768, 1536), dim=576, heads=9)
    return Conformer(config, num_classes=num_classes)
