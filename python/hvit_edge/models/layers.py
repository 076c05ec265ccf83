"""Define the layers that several families share.

Maps are float32 [N, C, H, W], tokens float32 [N, T, C].
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

from hvit_edge.models.initialization import truncated_normal_

Activation = Literal["none", "relu", "silu", "gelu"]

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "none": nn.Identity,
    "relu": nn.ReLU,
    "silu": nn.SiLU,
    "gelu": nn.GELU,
}


class ConvNormAct(nn.Module):
    """Applies a convolution without bias, a batch norm and an activation.

    The padding is `dilation * (kernel // 2)`, so stride 1 keeps the size if `kernel` is odd.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        dilation: int = 1,
        act: Activation = "none",
        eps: float = 1e-5,
    ) -> None:
        super().__init__()
        padding = dilation * (kernel // 2)
        self.conv = nn.Conv2d(
            inputs, outputs, kernel, stride, padding, dilation, groups=groups, bias=False
        )
        self.norm = nn.BatchNorm2d(outputs, eps=eps)
        self.act = ACTIVATIONS[act]()

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, inputs, H, W] to [N, outputs, ceil(H / stride), ceil(W / stride)]."""
        return self.act(self.norm(self.conv(x)))


class Attention(nn.Module):
    """Applies multi-head self-attention, `softmax(q k^T / sqrt(d)) v`; q, k, v are one layer."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor, bias: Tensor | None = None) -> Tensor:
        """Map [N, T, C] to [N, T, C]; `bias` is added to the scores [N, heads, T, T]."""
        q, k, v = (split_heads(part, self.heads) for part in self.qkv(x).chunk(3, dim=-1))
        return self.proj(merge_heads(F.scaled_dot_product_attention(q, k, v, attn_mask=bias)))


class Mlp(nn.Module):
    """Applies two linear layers with an activation between them."""

    def __init__(self, dim: int, hidden: int, act: Activation = "gelu") -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden)
        self.act = ACTIVATIONS[act]()
        self.fc2 = nn.Linear(hidden, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Map [..., C] to [..., C]."""
        return self.fc2(self.act(self.fc1(x)))


class TransformerBlock(nn.Module):
    """Applies a pre-norm transformer encoder block: attention, then MLP, each with a skip."""

    def __init__(
        self, dim: int, heads: int, hidden: int, *, act: Activation = "gelu", eps: float = 1e-5
    ) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=eps)
        self.attn = Attention(dim, heads)
        self.norm2 = nn.LayerNorm(dim, eps=eps)
        self.mlp = Mlp(dim, hidden, act)

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, T, C] to [N, T, C]."""
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


def split_heads(x: Tensor, heads: int) -> Tensor:
    """Map [N, T, C] to [N, heads, T, C / heads]."""
    batch, tokens, channels = x.shape
    return x.reshape(batch, tokens, heads, channels // heads).transpose(1, 2)


def merge_heads(x: Tensor) -> Tensor:
    """Map [N, heads, T, D] to [N, T, heads * D]."""
    batch, heads, tokens, width = x.shape
    return x.transpose(1, 2).reshape(batch, tokens, heads * width)


def map_to_tokens(x: Tensor) -> Tensor:
    """Map [N, C, H, W] to [N, H * W, C]."""
    return x.flatten(2).transpose(1, 2)


def tokens_to_map(x: Tensor, height: int, width: int) -> Tensor:
    """Map [N, H * W, C] to [N, C, H, W]."""
    batch, _, channels = x.shape
    return x.transpose(1, 2).reshape(batch, channels, height, width)


def global_pool(x: Tensor) -> Tensor:
    """Average over positions: map [N, C, H, W] to [N, C]."""
    return x.mean(dim=(2, 3))


def init_weights(module: nn.Module) -> None:
    """Initialize the parameters of `module`; constructors pass it to `Module.apply`.

    Linear layers: truncated normal with deviation 0.02, zero bias. Convolutions: He's normal over
    the fan-out of a group, zero bias. Norms keep PyTorch's ones and zeros.
    """
    if isinstance(module, nn.Linear):
        truncated_normal_(module.weight)
    elif isinstance(module, nn.Conv2d):
        kernel_height, kernel_width = module.kernel_size
        fan_out = kernel_height * kernel_width * module.out_channels // module.groups
        nn.init.normal_(module.weight, std=(2 / fan_out) ** 0.5)
    else:
        return
    if module.bias is not None:
        nn.init.zeros_(module.bias)
