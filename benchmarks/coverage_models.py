"""Builds the third-party modules of the coverage matrix: timm's, and hybrids of torch.nn's layers.

Weights are random. Every scale of a norm and of a layer is near one and not zero, so that a program
that drops a branch gives other answers. Batch norms have the statistics of the bundled photos, so
that signals neither vanish nor explode, as in a trained network.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import nn

from hvit_edge import Preprocess, load_image
from hvit_edge.sources.settle_norms import settle_norms
from hvit_edge.weights import bundled_photos

TIMM = (
    "mobilevit_xxs",
    "mobilevit_xs",
    "mobilevit_s",
    "mobilevitv2_050",
    "edgenext_xx_small",
    "levit_128s",
    "tiny_vit_5m_224",
    "efficientformer_l1",
    "efficientformerv2_s0",
    "efficientvit_b0",
    "efficientvit_m0",
    "fastvit_t8",
    "repvit_m0_9",
    "mobilenetv4_hybrid_medium",
    "swiftformer_xs",
    "poolformer_s12",
    "coat_lite_tiny",
    "pit_ti_224",
    "visformer_tiny",
    "pvt_v2_b0",
    "coatnet_nano_rw_224",
    "maxvit_nano_rw_256",
    "davit_tiny",
    "focalnet_tiny_srf",
    "nextvit_small",
    "hiera_tiny_224",
    "vit_tiny_patch16_224",
    "vit_tiny_r_s16_p8_224",
    "swin_tiny_patch4_window7_224",
    "swinv2_tiny_window8_256",
    "convnext_atto",
    "mobileone_s0",
    "mobilenetv3_small_050",
    "efficientnet_lite0",
    "resnet18",
)
FEATURES, HEADS, SIDE = 48, 4, 64


class EncoderHybrid(nn.Module):
    """A convolutional stem, and three layers of torch.nn's transformer encoder on its tokens."""

    def __init__(self, *, norm_first: bool) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 24, 3, stride=4, padding=1),
            nn.BatchNorm2d(24),
            nn.ReLU(inplace=True),
            nn.Conv2d(24, FEATURES, 3, stride=2, padding=1),
            nn.Hardswish(),
        )
        layer = nn.TransformerEncoderLayer(
            FEATURES, HEADS, 2 * FEATURES, batch_first=True, norm_first=norm_first
        )
        self.encoder = nn.TransformerEncoder(layer, 3, enable_nested_tensor=False)
        self.head = nn.Linear(FEATURES, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images [N, 3, 64, 64] to logits [N, 10]."""
        tokens = self.stem(x).flatten(2).transpose(1, 2)
        return self.head(self.encoder(tokens).mean(1))


class AttentionHybrid(nn.Module):
    """A convolution to patches, torch.nn's multi-head attention on them, and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, FEATURES, 8, stride=8)
        self.attention = nn.MultiheadAttention(FEATURES, HEADS, batch_first=True)
        self.norm, self.head = nn.LayerNorm(FEATURES), nn.Linear(FEATURES, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images [N, 3, 64, 64] to logits [N, 10]."""
        tokens = self.stem(x).flatten(2).transpose(1, 2)
        mixed, _ = self.attention(tokens, tokens, tokens, need_weights=False)
        return self.head(self.norm(tokens + mixed).mean(1))


TORCH: dict[str, Callable[[], nn.Module]] = {
    "nn.TransformerEncoder": partial(EncoderHybrid, norm_first=False),
    "nn.TransformerEncoder norm_first": partial(EncoderHybrid, norm_first=True),
    "nn.MultiheadAttention": AttentionHybrid,
}
MODELS = (*TORCH, *TIMM)


def build(name: str) -> tuple[nn.Module, Preprocess]:
    """Return a module of MODELS in eval mode, and the preprocessing of its images."""
    torch.manual_seed(0)
    if name in TORCH:
        module, preprocess = TORCH[name](), Preprocess((SIDE, SIDE))
    else:
        module, preprocess = _timm(name)
    module.eval()
    _make_scales_random(module)
    photos = [preprocess(load_image(photo)) for photo in bundled_photos()]
    settle_norms(module, torch.from_numpy(np.concatenate(photos)))
    return module, preprocess


def _timm(name: str) -> tuple[nn.Module, Preprocess]:
    _import_torchvision()
    import timm

    module = timm.create_model(name, pretrained=False)
    config = timm.data.resolve_data_config({}, model=module)
    side = tuple(config["input_size"][1:])
    resize = round(side[0] / config["crop_pct"])
    preprocess = Preprocess(
        side,
        resize_size=resize,
        interpolation=config["interpolation"],
        mean=config["mean"],
        std=config["std"],
    )
    return module, preprocess


def _import_torchvision() -> None:
    """Import torchvision, even if its compiled operators do not match this torch.

    timm imports torchvision for its transforms; no network of MODELS calls those operators.
    """
    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        for module in [key for key in sys.modules if key.split(".")[0] == "torchvision"]:
            del sys.modules[module]
        _LIBRARY.append(torch.library.Library("torchvision", "DEF"))
        for name in ("nms", "qnms"):
            _LIBRARY[0].define(f"{name}(Tensor dets, Tensor scores, float threshold) -> Tensor")


_LIBRARY: list[torch.library.Library] = []  # operators last as long as their library


@torch.no_grad()
def _make_scales_random(module: nn.Module) -> None:
    """Draw random scales and shifts instead of constant ones, and random heads instead of zeros."""
    for parameter in module.parameters():
        if parameter.numel() > 1 and bool((parameter == parameter.flatten()[0]).all()):
            near_one = bool(parameter.flatten()[0] != 0)
            parameter.copy_(near_one + 0.1 * torch.randn_like(parameter))
