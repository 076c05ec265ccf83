"""Defines MobileNet v1, v2 and v3, for which XNNPACK has published times on Arm cores.

Howard et al., "MobileNets", 2017, arXiv 1704.04861; Sandler et al., "MobileNetV2", 2018, arXiv
1801.04381; Howard et al., "Searching for MobileNetV3", 2019, arXiv 1905.02244. Width 1.0, 224 x 224
pixels, 1000 classes: 569, 301, and for v3 217 (large) and 57 (small) million multiply-adds. The
weights are random.
"""

from __future__ import annotations

from torch import nn

V1 = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *((512, 1),) * 5, (1024, 2))
V2 = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2))
V3_LARGE = (
    (3, 16, 16, 0, 0, 1), (3, 64, 24, 0, 0, 2), (3, 72, 24, 0, 0, 1), (5, 72, 40, 1, 0, 2),
    (5, 120, 40, 1, 0, 1), (5, 120, 40, 1, 0, 1), (3, 240, 80, 0, 1, 2), (3, 200, 80, 0, 1, 1),
    (3, 184, 80, 0, 1, 1), (3, 184, 80, 0, 1, 1), (3, 480, 112, 1, 1, 1), (3, 672, 112, 1, 1, 1),
    (5, 672, 160, 1, 1, 2), (5, 960, 160, 1, 1, 1), (5, 960, 160, 1, 1, 1),
)  # fmt: skip
"""Kernel, hidden channels, outputs, squeeze-and-excitation, hard swish instead of ReLU, stride."""
V3_SMALL = (
    (3, 16, 16, 1, 0, 2), (3, 72, 24, 0, 0, 2), (3, 88, 24, 0, 0, 1), (5, 96, 40, 1, 1, 2),
    (5, 240, 40, 1, 1, 1), (5, 240, 40, 1, 1, 1), (5, 120, 48, 1, 1, 1), (5, 144, 48, 1, 1, 1),
    (5, 288, 96, 1, 1, 2), (5, 576, 96, 1, 1, 1), (5, 576, 96, 1, 1, 1),
)  # fmt: skip


def mobilenet_v1() -> nn.Module:
    """Return MobileNet v1, which maps float32 [1, 3, 224, 224] to [1, 1000]."""
    layers, channels = [*_convolution(3, 32, 3, 2)], 32
    for outputs, stride in (*V1, (1024, 1)):
        layers += [*_convolution(channels, channels, 3, stride, channels)]
        layers += [*_convolution(channels, outputs, 1)]
        channels = outputs
    return nn.Sequential(*layers, *_classifier(channels)).eval()


def mobilenet_v2() -> nn.Module:
    """Return MobileNet v2, which maps float32 [1, 3, 224, 224] to [1, 1000]."""
    layers, channels = [*_convolution(3, 32, 3, 2)], 32
    for expansion, outputs, count, stride in (*V2, (6, 320, 1, 1)):
        for index in range(count):
            layers.append(Inverted(channels, outputs, expansion, stride if index == 0 else 1))
            channels = outputs
    return nn.Sequential(*layers, *_convolution(channels, 1280, 1), *_classifier(1280)).eval()


def mobilenet_v3(blocks=V3_LARGE, width: int = 1280) -> nn.Module:
    """Return MobileNet v3, which maps float32 [1, 3, 224, 224] to [1, 1000].

    Args:
        blocks: V3_LARGE or V3_SMALL.
        width: channels before the classifier, 1280 or 1024.
    """
    layers, channels = [*_convolution(3, 16, 3, 2, act=nn.Hardswish)], 16
    for size, hidden, outputs, squeezes, swish, stride in blocks:
        act = nn.Hardswish if swish else nn.ReLU
        layers.append(Bottleneck(channels, hidden, outputs, size, stride, act, bool(squeezes)))
        channels = outputs
    last = channels * 6
    layers += [*_convolution(channels, last, 1, act=nn.Hardswish), nn.AdaptiveAvgPool2d(1)]
    head = [nn.Flatten(), nn.Linear(last, width), nn.Hardswish(), nn.Linear(width, 1000)]
    return nn.Sequential(*layers, *head).eval()


class Bottleneck(nn.Module):
    """A block of MobileNet v3: expansion, depthwise, squeeze-and-excitation, projection."""

    def __init__(self, inputs, hidden, outputs, size, stride, act, squeezes) -> None:
        super().__init__()
        layers = [] if hidden == inputs else [*_convolution(inputs, hidden, 1, act=act)]
        layers += [*_convolution(hidden, hidden, size, stride, hidden, act=act)]
        layers += [Squeeze(hidden)] if squeezes else []
        layers += [nn.Conv2d(hidden, outputs, 1, bias=False), nn.BatchNorm2d(outputs)]
        self.layers = nn.Sequential(*layers)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.layers(x) if self.residual else self.layers(x)


class Squeeze(nn.Module):
    """Scales each channel by a function of all means (squeeze-and-excitation)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = (channels // 4 + 4) // 8 * 8
        self.scale = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, inner, 1),
            nn.ReLU(),
            nn.Conv2d(inner, channels, 1),
            nn.Hardsigmoid(),
        )

    def forward(self, x):
        return x * self.scale(x)


class Inverted(nn.Module):
    """An inverted residual: expansion, depthwise, projection, and a sum if the shapes allow it."""

    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        wider = [] if expansion == 1 else [*_convolution(inputs, hidden, 1)]
        narrower = [nn.Conv2d(hidden, outputs, 1, bias=False), nn.BatchNorm2d(outputs)]
        self.layers = nn.Sequential(
            *wider, *_convolution(hidden, hidden, 3, stride, hidden), *narrower
        )
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.layers(x) if self.residual else self.layers(x)


def _convolution(inputs, outputs, size, stride=1, groups=1, act=nn.ReLU6):
    yield nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False)
    yield nn.BatchNorm2d(outputs)
    yield act()


def _classifier(channels):
    yield nn.AdaptiveAvgPool2d(1)
    yield nn.Flatten()
    yield nn.Linear(channels, 1000)
