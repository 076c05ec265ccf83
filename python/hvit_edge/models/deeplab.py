"""Define DeepLabV3 with a MobileViT backbone: a class for each pixel of a map of 1/16 of the input.

Papers: Rethinking Atrous Convolution for Semantic Image Segmentation,
https://arxiv.org/abs/1706.05587, with the backbone and the widths of MobileViT,
https://arxiv.org/abs/2110.02178 (section 4.2).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hvit_edge.models.layers import ConvNormAct, init_weights
from hvit_edge.models.mobilevit import (
    PAPER,
    STEM_CHANNELS,
    XS,
    XXS,
    MobileViTConfig,
    S,
    make_stages,
)
from hvit_edge.models.registry import Published, register_model
from hvit_edge.preprocess import Preprocess
from hvit_edge.tasks import Segment

OUTPUT_STRIDE = 16
"""Pixels of the input for each element of the output, in both directions."""
VOC_CLASSES = 21
"""Number of classes of Pascal VOC, with the background as class 0."""
CHANNELS, SLIM_CHANNELS = 256, 64
RATES = (6, 12, 18)
DROPOUT = 0.1


class SpatialPyramid(nn.Module):
    """Applies atrous spatial pyramid pooling: convolutions of several dilations side by side.

    The branches are a 1x1 convolution, a 3x3 convolution for each of `RATES`, and the mean of the
    map; a 1x1 convolution joins them.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            [
                ConvNormAct(inputs, outputs, act="relu"),
                *(
                    ConvNormAct(inputs, outputs, kernel=3, dilation=rate, act="relu")
                    for rate in RATES
                ),
            ]
        )
        self.pooled = ConvNormAct(inputs, outputs, act="relu")
        self.join = ConvNormAct((len(self.branches) + 1) * outputs, outputs, act="relu")

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, inputs, H, W] to [N, outputs, H, W]."""
        mean = self.pooled(F.adaptive_avg_pool2d(x, 1)).expand(-1, -1, *x.shape[2:])
        return self.join(torch.cat([*(branch(x) for branch in self.branches), mean], dim=1))


class DeepLabMobileViT(nn.Module):
    """Segments images: a MobileViT of output stride 16, a spatial pyramid, and a class per pixel.

    Both sides of the input must have at least 32 pixels.

    Args:
        config: widths of the backbone.
        num_classes: number of classes, with the background.
        channels: channels of each branch of the pyramid and of their join.
    """

    def __init__(
        self,
        config: MobileViTConfig,
        *,
        num_classes: int = VOC_CLASSES,
        channels: int = CHANNELS,
    ) -> None:
        super().__init__()
        self.stem = ConvNormAct(3, STEM_CHANNELS, kernel=3, stride=2, act="silu")
        self.stages = nn.Sequential(*make_stages(config, last_stride=1))
        self.pyramid = SpatialPyramid(config.channels[-1], channels)
        self.dropout = nn.Dropout2d(DROPOUT)
        self.head = nn.Conv2d(channels, num_classes, 1)
        self.apply(init_weights)

    def forward(self, x: Tensor) -> Tensor:
        """Map float32 [N, 3, H, W] to logits float32 [N, num_classes, H / 16, W / 16]."""
        return self.head(self.dropout(self.pyramid(self.stages(self.stem(x)))))


PREPROCESS = Preprocess((512, 512), resize="stretch", interpolation="bilinear", channel_order="BGR")
"""Both sides are scaled, so that the map covers the whole photo. The published accuracy is that of
photos whose shorter side is scaled to 544, with the center cropped."""


def published(hub: str, miou: float) -> Published:
    """Return the description of the checkpoint that the authors published on the hub."""
    return Published(
        PAPER,
        PREPROCESS,
        hub=f"apple/{hub}",
        classes=VOC_CLASSES,
        data="Pascal VOC",
        score=f"{miou} % mIoU",
    )


def segment(input_size: tuple[int, int]) -> Segment:
    """Return the task of the models of this file."""
    return Segment()


@register_model(
    "deeplabv3_mobilevit_xxs", default=published("deeplabv3-mobilevit-xx-small", 72.8), task=segment
)
def deeplabv3_mobilevit_xxs(num_classes: int, input_size: tuple[int, int]) -> DeepLabMobileViT:
    """Build the variant of 1.85 M parameters."""
    return DeepLabMobileViT(XXS, num_classes=num_classes)


@register_model(
    "deeplabv3_mobilevit_xxs_slim",
    default=Published(PAPER, PREPROCESS, classes=VOC_CLASSES, data="Pascal VOC"),
    bundled=("shapes",),
    task=segment,
)
def deeplabv3_mobilevit_xxs_slim(num_classes: int, input_size: tuple[int, int]) -> DeepLabMobileViT:
    """Build a variant with a narrow pyramid, of 1.10 M parameters. It is not from the paper."""
    return DeepLabMobileViT(XXS, num_classes=num_classes, channels=SLIM_CHANNELS)


@register_model(
    "deeplabv3_mobilevit_xs", default=published("deeplabv3-mobilevit-x-small", 77.1), task=segment
)
def deeplabv3_mobilevit_xs(num_classes: int, input_size: tuple[int, int]) -> DeepLabMobileViT:
    """Build the variant of 2.94 M parameters."""
    return DeepLabMobileViT(XS, num_classes=num_classes)


@register_model(
    "deeplabv3_mobilevit_s", default=published("deeplabv3-mobilevit-small", 79.1), task=segment
)
def deeplabv3_mobilevit_s(num_classes: int, input_size: tuple[int, int]) -> DeepLabMobileViT:
    """Build the variant of 6.36 M parameters."""
    return DeepLabMobileViT(S, num_classes=num_classes)
