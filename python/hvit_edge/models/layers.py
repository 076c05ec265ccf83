"""Layers that several families share. Maps are float32 [N, C, H, W], tokens float32 [N, T, C]."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

Activation = Literal["none", "relu", "silu", "gelu"]

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "none": nn.Identity,
    "relu": nn.ReLU,
    "silu": nn.SiLU,
    "gelu": nn.GELU,
}


class ConvNormAct(nn.Module):
    """Convolution without bias, batch norm, activation; padded so that stride 1 keeps the size."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        act: Activation = "none",
        eps: float = 1e-5,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False
        )
        self.norm = nn.BatchNorm2d(outputs, eps=eps)
        self.act = ACTIVATIONS[act]()

    def forward(self, x: Tensor) -> Tensor:
        """[N, inputs, H, W] -> [N, outputs, ceil(H / stride), ceil(W / stride)]."""
        return self.act(self.norm(self.conv(x)))


class Attention(nn.Module):
    """Multi-head self-attention, `softmax(q k^T / sqrt(d)) v`, with one fused q, k, v layer."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor, bias: Tensor | None = None) -> Tensor:
        """[N, T, C] -> [N, T, C]; `bias` is added to the scores [N, heads, T, T]."""
        q, k, v = (split_heads(part, self.heads) for part in self.qkv(x).chunk(3, dim=-1))
        return self.proj(merge_heads(F.scaled_dot_product_attention(q, k, v, attn_mask=bias)))


class Mlp(nn.Module):
    """Two linear layers with an activation between them."""

    def __init__(self, dim: int, hidden: int, act: Activation = "gelu") -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden)
        self.act = ACTIVATIONS[act]()
        self.fc2 = nn.Linear(hidden, dim)

    def forward(self, x: Tensor) -> Tensor:
        """[..., C] -> [..., C]."""
        return self.fc2(self.act(self.fc1(x)))


class TransformerBlock(nn.Module):
    """Pre-norm transformer encoder block: attention, then MLP, each with a skip."""

    def __init__(
        self, dim: int, heads: int, hidden: int, *, act: Activation = "gelu", eps: float = 1e-5
    ) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=eps)
        self.attn = Attention(dim, heads)
        self.norm2 = nn.LayerNorm(dim, eps=eps)
        self.mlp = Mlp(dim, hidden, act)

    def forward(self, x: Tensor) -> Tensor:
        """[N, T, C] -> [N, T, C]."""
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


def split_heads(x: Tensor, heads: int) -> Tensor:
    """[N, T, C] -> [N, heads, T, C / heads]."""
    batch, tokens, channels = x.shape
    return x.reshape(batch, tokens, heads, channels // heads).transpose(1, 2)


def merge_heads(x: Tensor) -> Tensor:
    """[N, heads, T, D] -> [N, T, heads * D]."""
    batch, heads, tokens, width = x.shape
    return x.transpose(1, 2).reshape(batch, tokens, heads * width)


def map_to_tokens(x: Tensor) -> Tensor:
    """[N, C, H, W] -> [N, H * W, C]."""
    return x.flatten(2).transpose(1, 2)


def tokens_to_map(x: Tensor, height: int, width: int) -> Tensor:
    """[N, H * W, C] -> [N, C, H, W]."""
    batch, _, channels = x.shape
    return x.transpose(1, 2).reshape(batch, channels, height, width)


def global_pool(x: Tensor) -> Tensor:
    """Mean over positions: [N, C, H, W] -> [N, C]."""
    return x.mean(dim=(2, 3))


def init_weights(module: nn.Module) -> None:
    """Constructor initialisation, to be given to `Module.apply`.

    Linear layers: truncated normal, deviation 0.02, zero bias. Convolutions: He's normal over the
    fan-out of a group, zero bias. Norms keep PyTorch's ones and zeros.
    """
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
    elif isinstance(module, nn.Conv2d):
        kernel_height, kernel_width = module.kernel_size
        fan_out = kernel_height * kernel_width * module.out_channels // module.groups
        nn.init.normal_(module.weight, std=(2 / fan_out) ** 0.5)
    else:
        return
    if module.bias is not None:
        nn.init.zeros_(module.bias)
