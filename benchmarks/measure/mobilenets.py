"""Defines MobileNet v1 and v2, for which XNNPACK has published times on Arm cores.

Howard et al., "MobileNets", 2017, arXiv 1704.04861; Sandler et al., "MobileNetV2", 2018, arXiv
1801.04381. Width 1.0, 224 x 224 pixels, 1000 classes: 569 and 301 million multiply-adds. The
weights are random.
"""

from __future__ import annotations

from torch import nn

V1 = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *((512, 1),) * 5, (1024, 2))
V2 = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2))


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


def _convolution(inputs, outputs, size, stride=1, groups=1):
    yield nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False)
    yield nn.BatchNorm2d(outputs)
    yield nn.ReLU6()


def _classifier(channels):
    yield nn.AdaptiveAvgPool2d(1)
    yield nn.Flatten()
    yield nn.Linear(channels, 1000)
