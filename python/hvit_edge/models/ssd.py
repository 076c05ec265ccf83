"""Define SSDLite with a MobileViT backbone: scores and offsets of boxes for a grid of anchors.

Papers: SSD: Single Shot MultiBox Detector, https://arxiv.org/abs/1512.02325, with the separable
heads of MobileNetV2, https://arxiv.org/abs/1801.04381, and the backbone and the widths of
MobileViT, https://arxiv.org/abs/2110.02178 (section 4.2).
"""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hvit_edge.models.layers import Activation, ConvNormAct, init_weights
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
from hvit_edge.tasks import Detect

COCO_CLASSES = 81
"""Number of classes of COCO, with the background as class 0."""
INPUT_SIZE = (320, 320)
WIDTHS = (512, 256, 256, 128, 128, 64)
"""Channels of the maps that the heads read; the last map is one element."""
RATIOS = ((2, 3),) * 5 + ((2,),)
"""Aspect ratios of the anchors of each map, besides 1."""
SMALLEST, LARGEST = 0.1, 1.05
"""Scales of the anchors of the first map, and of those after the last one; 1 is the whole image."""
BACKBONE_MAPS = 2


class SeparableConv(nn.Module):
    """Applies a depthwise 3x3 convolution, a norm, and a 1x1 convolution with norm and ReLU."""

    def __init__(self, inputs: int, outputs: int, *, stride: int) -> None:
        super().__init__()
        self.depthwise = ConvNormAct(inputs, inputs, kernel=3, stride=stride, groups=inputs)
        self.pointwise = ConvNormAct(inputs, outputs, act="relu")

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, inputs, H, W] to [N, outputs, ceil(H / stride), ceil(W / stride)]."""
        return self.pointwise(self.depthwise(x))


class GlobalConv(nn.Module):
    """Averages a map, and applies a 1x1 convolution and ReLU to the mean."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, inputs, H, W] to [N, outputs, 1, 1]."""
        return F.relu(self.conv(F.adaptive_avg_pool2d(x, 1)))


class BoxHead(nn.Module):
    """Predicts offsets and logits for each anchor of a map.

    Args:
        inputs: channels of the map.
        width: channels after the projection, which is left out if `inputs` has as many.
        values: number of predicted values of each anchor.
        anchors: number of anchors of each element.
        spatial: False for a map of one element, which needs no 3x3 convolution.
    """

    def __init__(
        self, inputs: int, width: int, values: int, anchors: int, *, spatial: bool
    ) -> None:
        super().__init__()
        self.values = values
        act: Activation = "relu"
        project = spatial and inputs != width
        self.project = ConvNormAct(inputs, width, act=act) if project else nn.Identity()
        width = width if spatial else inputs
        self.depthwise = (
            ConvNormAct(width, width, kernel=3, groups=width) if spatial else nn.Identity()
        )
        self.predict = nn.Conv2d(width, anchors * values, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, inputs, H, W] to [N, H * W * anchors, values]."""
        y = self.predict(self.depthwise(self.project(x)))
        return y.permute(0, 2, 3, 1).reshape(x.shape[0], -1, self.values)


class SsdMobileViT(nn.Module):
    """Detects objects: maps of strides 16 to 256 and one of the whole image, each with a head.

    Both sides of the input must have at least 32 pixels.

    Args:
        config: widths of the backbone.
        num_classes: number of classes, with the background as class 0.

    Attributes:
        offsets_of_box: number of values that each box has besides its logits.
    """

    offsets_of_box = 4

    def __init__(self, config: MobileViTConfig, *, num_classes: int = COCO_CLASSES) -> None:
        super().__init__()
        self.stem = ConvNormAct(3, STEM_CHANNELS, kernel=3, stride=2, act="silu")
        self.stages = nn.Sequential(*make_stages(config))
        inputs = (*config.channels[-BACKBONE_MAPS:], *WIDTHS[BACKBONE_MAPS:])
        self.extra = nn.ModuleList(
            [
                *(
                    SeparableConv(inputs[index - 1], inputs[index], stride=2)
                    for index in range(BACKBONE_MAPS, len(WIDTHS) - 1)
                ),
                GlobalConv(inputs[-2], inputs[-1]),
            ]
        )
        self.heads = nn.ModuleList(
            BoxHead(channels, width, 4 + num_classes, boxes_of(ratios), spatial=index < 5)
            for index, (channels, width, ratios) in enumerate(
                zip(inputs, WIDTHS, RATIOS, strict=True)
            )
        )
        self.apply(init_weights)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map float32 [N, 3, H, W] to logits [N, anchors, num_classes] and offsets [N, anchors, 4].

        The order of the anchors is that of `anchor_boxes`.
        """
        values = [head(one) for head, one in zip(self.heads, self.maps(x), strict=True)]
        offsets, logits = torch.cat(values, dim=1).split((4, self.heads[0].values - 4), dim=-1)
        return logits, offsets

    def maps(self, x: Tensor) -> Iterator[Tensor]:
        """Yield the maps that the heads read, from the finest to that of the whole image."""
        x = self.stages[:-1](self.stem(x))
        yield x
        x = self.stages[-1](x)
        yield x
        for layer in self.extra:
            x = layer(x)
            yield x


def boxes_of(ratios: tuple[int, ...]) -> int:
    """Return the number of anchors of each element of a map with these aspect ratios."""
    return 2 + 2 * len(ratios)


def map_sizes(input_size: tuple[int, int]) -> list[tuple[int, int]]:
    """Return (height, width) of each map for an input of this size, in pixels."""
    height, width = input_size
    for _ in range(4):
        height, width = -(-height // 2), -(-width // 2)
    sizes = [(height, width)]
    for _ in range(len(WIDTHS) - 2):
        height, width = -(-height // 2), -(-width // 2)
        sizes.append((height, width))
    return [*sizes, (1, 1)]


def anchor_boxes(input_size: tuple[int, int]) -> np.ndarray:
    """Return the anchors of an input of this size, as center x, center y, width and height.

    Each element of a map has a square of the map's scale, one of the geometric mean of its and the
    next map's scale, and for each aspect ratio a flat and a tall box of the first one's area.

    Returns:
        float32 [anchors, 4], in parts of the image, between 0 and 1.
    """
    scales = np.linspace(SMALLEST, LARGEST, len(WIDTHS) + 1)
    boxes = []
    for (height, width), ratios, scale, following in zip(
        map_sizes(input_size), RATIOS, scales, scales[1:], strict=False
    ):
        between = sqrt(scale * following)
        sizes = [(scale, scale), (between, between)]
        for ratio in map(sqrt, ratios):
            sizes += [(scale * ratio, scale / ratio), (scale / ratio, scale * ratio)]
        y, x = np.mgrid[:height, :width]
        centers = np.stack([(x + 0.5) / width, (y + 0.5) / height], axis=-1)
        grid = np.empty((height, width, len(sizes), 4))
        grid[..., :2], grid[..., 2:] = centers[:, :, None], sizes
        boxes.append(grid.reshape(-1, 4))
    return np.concatenate(boxes).clip(0, 1).astype(np.float32)


PREPROCESS = Preprocess(INPUT_SIZE, resize="stretch", interpolation="bilinear", channel_order="BGR")
FILES = "the model zoo of github.com/apple/ml-cvnets"


def published(mean_precision: float) -> Published:
    """Return the description of the checkpoint that the authors published."""
    return Published(
        PAPER,
        PREPROCESS,
        files=FILES,
        classes=COCO_CLASSES,
        data="COCO",
        score=f"{mean_precision} % mAP",
    )


def detect(input_size: tuple[int, int]) -> Detect:
    """Return the task of the models of this file for an input of this size."""
    return Detect(anchor_boxes(input_size))


@register_model("ssdlite_mobilevit_xxs", default=published(19.9), bundled=("shapes",), task=detect)
def ssdlite_mobilevit_xxs(num_classes: int, input_size: tuple[int, int]) -> SsdMobileViT:
    """Build the variant of 1.76 M parameters."""
    return SsdMobileViT(XXS, num_classes=num_classes)


@register_model("ssdlite_mobilevit_xs", default=published(24.8), task=detect)
def ssdlite_mobilevit_xs(num_classes: int, input_size: tuple[int, int]) -> SsdMobileViT:
    """Build the variant of 2.74 M parameters."""
    return SsdMobileViT(XS, num_classes=num_classes)


@register_model("ssdlite_mobilevit_s", default=published(27.9), task=detect)
def ssdlite_mobilevit_s(num_classes: int, input_size: tuple[int, int]) -> SsdMobileViT:
    """Build the variant of 5.74 M parameters."""
    return SsdMobileViT(S, num_classes=num_classes)
