"""Define MobileViT: inverted residuals, and transformers over 2x2 patches of the feature map.

Paper: MobileViT: Light-weight, General-purpose, and Mobile-friendly Vision Transformer,
https://arxiv.org/abs/2110.02178
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hvit_edge.models.layers import ConvNormAct, TransformerBlock, global_pool, init_weights
from hvit_edge.models.pooled import PooledClassifier
from hvit_edge.models.registry import Published, register_model
from hvit_edge.preprocess import Preprocess

PAPER = "https://arxiv.org/abs/2110.02178"
PATCH = 2
HEADS = 4
STEM_CHANNELS = 16
TRANSFORMER_DEPTHS = (2, 4, 3)


@dataclass(frozen=True)
class MobileViTConfig:
    """Holds the widths of a variant.

    Attributes:
        channels: output channels of the five stages.
        token_dims: widths of the transformers of the last three stages.
        expansion: factor of the hidden width of an inverted residual.
        features: number of inputs of the classifier.
    """

    channels: tuple[int, int, int, int, int]
    token_dims: tuple[int, int, int]
    expansion: int
    features: int


class InvertedResidual(nn.Module):
    """Applies the inverted residual of MobileNetV2.

    It is a 1x1 expansion, a depthwise 3x3 convolution and a 1x1 projection, with a skip if the
    shape stays the same.
    """

    def __init__(self, inputs: int, outputs: int, *, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.expand = ConvNormAct(inputs, hidden, act="silu")
        self.depthwise = ConvNormAct(
            hidden, hidden, kernel=3, stride=stride, groups=hidden, act="silu"
        )
        self.project = ConvNormAct(hidden, outputs)
        self.has_skip = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, inputs, H, W] to [N, outputs, ceil(H / stride), ceil(W / stride)]."""
        y = self.project(self.depthwise(self.expand(x)))
        return x + y if self.has_skip else y


class MobileViTBlock(nn.Module):
    """Applies a local 3x3 convolution, attention between equal positions of patches, and fusion."""

    def __init__(self, channels: int, dim: int, depth: int) -> None:
        super().__init__()
        self.local = ConvNormAct(channels, channels, kernel=3, act="silu")
        self.embed = nn.Conv2d(channels, dim, 1, bias=False)
        self.transformer = nn.Sequential(
            *(TransformerBlock(dim, HEADS, 2 * dim, act="silu") for _ in range(depth))
        )
        self.norm = nn.LayerNorm(dim)
        self.unembed = ConvNormAct(dim, channels, act="silu")
        self.fuse = ConvNormAct(2 * channels, channels, kernel=3, act="silu")

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, C, H, W] to [N, C, H, W]."""
        y = self.embed(self.local(x))
        size = (y.shape[2], y.shape[3])
        whole = tuple(-(-side // PATCH) * PATCH for side in size)
        if whole != size:
            y = F.interpolate(y, size=whole, mode="bilinear", align_corners=False)
        y = fold(self.norm(self.transformer(unfold(y))), *whole)
        if whole != size:
            y = F.interpolate(y, size=size, mode="bilinear", align_corners=False)
        return self.fuse(torch.cat((x, self.unembed(y)), dim=1))


def unfold(x: Tensor) -> Tensor:
    """Gather the pixels at the same position of each patch into one sequence.

    Maps [N, C, H, W] to [N * 4, H * W / 4, C] for patches of 2x2. Rows are split first and columns
    second, so that no tensor has more than five dimensions.
    """
    batch, channels, height, width = x.shape
    rows, columns = height // PATCH, width // PATCH
    x = x.permute(0, 2, 3, 1).reshape(batch, rows, PATCH, columns, PATCH * channels)
    x = x.transpose(1, 2).reshape(batch * PATCH, rows * columns, PATCH, channels)
    return x.transpose(1, 2).reshape(batch * PATCH * PATCH, rows * columns, channels)


def fold(x: Tensor, height: int, width: int) -> Tensor:
    """Invert `unfold`: map [N * 4, H * W / 4, C] to [N, C, H, W]."""
    sequences, tokens, channels = x.shape
    batch, rows, columns = sequences // PATCH**2, height // PATCH, width // PATCH
    x = x.reshape(batch * PATCH, PATCH, tokens, channels).transpose(1, 2)
    x = x.reshape(batch, PATCH, rows, columns, PATCH * channels).transpose(1, 2)
    return x.reshape(batch, height, width, channels).permute(0, 3, 1, 2)


class MobileViT(PooledClassifier):
    """Classifies images with five stages at 1/2, 1/4, 1/8, 1/16 and 1/32 of the input size.

    Each of the last three stages ends in a MobileViTBlock. Both sides of the input must have at
    least 32 pixels.
    """

    def __init__(self, config: MobileViTConfig, *, num_classes: int = 1000) -> None:
        super().__init__()
        self.stem = ConvNormAct(3, STEM_CHANNELS, kernel=3, stride=2, act="silu")
        self.stages = nn.Sequential(*make_stages(config))
        self.final = ConvNormAct(config.channels[-1], config.features, act="silu")
        self.head = nn.Linear(config.features, num_classes)
        self.apply(init_weights)

    def forward(self, x: Tensor) -> Tensor:
        """Map float32 [N, 3, H, W] to logits float32 [N, num_classes]."""
        return self.head(self.features(x))

    def features(self, x: Tensor) -> Tensor:
        """Map float32 [N, 3, H, W] to the mean of the last map, float32 [N, config.features]."""
        return global_pool(self.final(self.stages(self.stem(x))))


def make_stages(config: MobileViTConfig, last_stride: int = 2) -> list[nn.Sequential]:
    """Return the five stages of a variant.

    Args:
        config: widths of the variant.
        last_stride: stride of the fifth stage; 1 for maps of 1/16 of the input size.
    """
    c1, c2, *deep = config.channels
    stages = [
        [InvertedResidual(STEM_CHANNELS, c1, stride=1, expansion=config.expansion)],
        [
            InvertedResidual(c1, c2, stride=2, expansion=config.expansion),
            InvertedResidual(c2, c2, stride=1, expansion=config.expansion),
            InvertedResidual(c2, c2, stride=1, expansion=config.expansion),
        ],
    ]
    inputs = c2
    strides = (2, 2, last_stride)
    for outputs, dim, depth, stride in zip(
        deep, config.token_dims, TRANSFORMER_DEPTHS, strides, strict=True
    ):
        down = InvertedResidual(inputs, outputs, stride=stride, expansion=config.expansion)
        stages.append([down, MobileViTBlock(outputs, dim, depth)])
        inputs = outputs
    return [nn.Sequential(*blocks) for blocks in stages]


PREPROCESS = Preprocess((256, 256), resize_size=284, interpolation="bicubic")


def published(name: str, top1: float) -> Published:
    """Return the description of the checkpoint that timm converted from the authors'."""
    return Published(PAPER, PREPROCESS, hub=f"timm/{name}.cvnets_in1k", top1=top1)


XXS = MobileViTConfig((16, 24, 48, 64, 80), (64, 80, 96), expansion=2, features=320)
XS = MobileViTConfig((32, 48, 64, 80, 96), (96, 120, 144), expansion=4, features=384)
S = MobileViTConfig((32, 64, 96, 128, 160), (144, 192, 240), expansion=4, features=640)


@register_model("mobilevit_xxs", default=published("mobilevit_xxs", 69.0), bundled=("cifar10",))
def mobilevit_xxs(num_classes: int, input_size: tuple[int, int]) -> MobileViT:
    """Build the variant of 1.27 M parameters."""
    return MobileViT(XXS, num_classes=num_classes)


@register_model("mobilevit_xs", default=published("mobilevit_xs", 74.7))
def mobilevit_xs(num_classes: int, input_size: tuple[int, int]) -> MobileViT:
    """Build the variant of 2.32 M parameters."""
    return MobileViT(XS, num_classes=num_classes)


@register_model("mobilevit_s", default=published("mobilevit_s", 78.3))
def mobilevit_s(num_classes: int, input_size: tuple[int, int]) -> MobileViT:
    """Build the variant of 5.58 M parameters."""
    return MobileViT(S, num_classes=num_classes)
