"""Scale every homogeneous pair of layers by random factors, without changing the function.

The output of one layer is multiplied by a factor for each channel, and its readers are divided by
the same factor. Eager PyTorch computes the same from weights and activations of other ranges.
Channels that are added to each other, such as those of a residual stream, share their factors.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hvit_edge.models.conformer import Bottleneck, Conformer
from hvit_edge.models.layers import Attention, TransformerBlock
from hvit_edge.models.mobilevit import InvertedResidual, MobileViT, MobileViTBlock
from hvit_edge.models.shunted import (
    Block,
    LocalAttention,
    ReducedAttention,
    ShuntedTransformer,
)
from hvit_edge.models.swin import PatchMerging, SwinBlock, SwinTransformer


def rescale(
    model: nn.Module, seed: int = 0, span: float = 5.0, *, scores: bool = True
) -> nn.Module:
    """A copy of a model of any family that computes the same from rescaled weights.

    Args:
        model: in eval mode.
        seed: of the factors.
        span: factors are 2^u, u uniform in [-span, span].
        scores: also rescale queries against keys, whose products alone are read.
    """
    model = copy.deepcopy(model)
    with torch.no_grad():
        FAMILIES[type(model)](model, Factors(seed, span, scores))
    return model


class Factors:
    """Draws factors and applies them."""

    def __init__(self, seed: int, span: float, scores: bool) -> None:
        self.generator = torch.Generator().manual_seed(seed)
        self.span, self.scores = span, scores

    def draw(self, count: int) -> Tensor:
        """Factors float64 [count]."""
        places = torch.rand(count, generator=self.generator, dtype=torch.float64)
        return 2 ** (self.span * (2 * places - 1))

    def pair(self, writers: Sequence[nn.Module], readers: Sequence[nn.Module]) -> None:
        """Rescale all that `writers` write, which `readers` read in their first columns."""
        factors = self.draw(len(writers[0].weight))
        for writer in writers:
            write(writer, factors)
        for reader in readers:
            read(reader, factors)

    def queries(
        self, query: nn.Linear, keys: nn.Linear, *, start: int, at: int, count: int
    ) -> None:
        """Rescale `count` queries from row `start` against the keys from row `at`."""
        if self.scores:
            factors = self.draw(count)
            write(query, factors, start)
            write(keys, 1 / factors, at)

    def attention(self, attention: Attention) -> None:
        """Values against the projection, queries against keys."""
        dim = attention.proj.in_features
        factors = self.draw(dim)
        write(attention.qkv, factors, 2 * dim)
        read(attention.proj, factors)
        self.queries(attention.qkv, attention.qkv, start=0, at=dim, count=dim)

    def transformer(self, block: TransformerBlock | SwinBlock, attention: Attention) -> None:
        """Both norms of a block, and its attention."""
        self.pair([block.norm1], [attention.qkv])
        self.pair([block.norm2], [block.mlp.fc1])
        self.attention(attention)


def write(layer: nn.Module, factors: Tensor, start: int = 0) -> None:
    """Multiply what a layer or norm writes to the channels from `start`."""
    rows = slice(start, start + len(factors))
    weight = layer.weight[rows]
    weight.mul_(factors.reshape(-1, *[1] * (weight.dim() - 1)))
    if layer.bias is not None:
        layer.bias[rows].mul_(factors)


def read(layer: nn.Module, factors: Tensor, start: int = 0) -> None:
    """Divide the weights that read the channels from `start`."""
    weight = layer.weight[:, start : start + len(factors)]
    weight.div_(factors.reshape(1, -1, *[1] * (weight.dim() - 2)))


def rescale_mobilevit(model: MobileViT, by: Factors) -> None:
    """Norms, values, and the linear ends of inverted residuals."""
    writers: list[nn.Module] = []  # of the stream; none where SiLU wrote it
    readers: list[nn.Module] = []
    for block in (block for stage in model.stages for block in stage):
        if isinstance(block, InvertedResidual):
            readers.append(block.expand.conv)
            if block.has_skip and writers:
                writers.append(block.project.norm)
            elif not block.has_skip:
                if writers:
                    by.pair(writers, readers)
                writers, readers = [block.project.norm], []
        else:
            by.pair(writers, [*readers, block.local.conv, block.fuse.conv])
            writers, readers = [], []
            rescale_mobilevit_block(block, by)


def rescale_mobilevit_block(block: MobileViTBlock, by: Factors) -> None:
    """Rescale the transformers inside, and the norm after them."""
    for transformer in block.transformer:
        by.transformer(transformer, transformer.attn)
    by.pair([block.norm], [block.unembed.conv])


def rescale_conformer(model: Conformer, by: Factors) -> None:
    """The whole convolutional branch, which only ReLU and pooling interrupt; norms and values."""
    bottlenecks: list[tuple[Bottleneck, list[nn.Module], list[nn.Module]]]
    bottlenecks = [(model.first_conv, [], [])]
    for block in model.blocks:
        bottlenecks.append((block.conv, [], [block.to_tokens.project]))
        bottlenecks.append((block.fuse, [block.to_map.norm], []))
    writers, readers = [model.stem.norm], [model.patch_embed]
    for bottleneck, extra, narrow_readers in bottlenecks:
        by.pair([bottleneck.reduce.norm, *extra], [bottleneck.spatial.conv])
        by.pair([bottleneck.spatial.norm], [bottleneck.expand.conv, *narrow_readers])
        readers.append(bottleneck.reduce.conv)
        if isinstance(bottleneck.skip, nn.Identity):
            writers.append(bottleneck.expand.norm)
        else:
            by.pair(writers, [*readers, bottleneck.skip.conv])
            writers, readers = [bottleneck.expand.norm, bottleneck.skip.norm], []
    by.pair(writers, [*readers, model.conv_head])
    for transformer in (model.first_transformer, *(block.transformer for block in model.blocks)):
        by.transformer(transformer, transformer.attn)
    by.pair([model.token_norm], [model.token_head])


def rescale_shunted(model: ShuntedTransformer, by: Factors) -> None:
    """Norms, values with the depthwise convolution beside them, and the stem."""
    stem = list(model.stages[0].embed.conv)
    for norm, conv in zip(stem[1::3], stem[3::3], strict=True):
        by.pair([norm], [conv])
    following = [stage.embed.conv for stage in model.stages[1:]]
    for stage, reader in zip(model.stages, [*following, model.head], strict=True):
        for block in stage.blocks:
            rescale_shunted_block(block, by)
        by.pair([stage.norm], [reader])


def rescale_shunted_block(block: Block, by: Factors) -> None:
    attn = block.attn
    if isinstance(attn, LocalAttention):
        by.pair([block.norm1], [attn.q, attn.kv])
        rescale_values(attn.kv, attn.local, attn.proj, 0, by)
        dim = attn.q.out_features
        by.queries(attn.q, attn.kv, start=0, at=0, count=dim)
    else:
        by.pair([block.norm1], [attn.q, attn.coarse.reduce, attn.fine.reduce])
        half = attn.q.out_features // 2
        branch: ReducedAttention
        for start, branch in ((0, attn.coarse), (half, attn.fine)):
            rescale_values(branch.kv, branch.local, attn.proj, start, by)
            by.queries(attn.q, branch.kv, start=start, at=0, count=half)
    by.pair([block.norm2], [block.mlp.fc1])


def rescale_values(
    kv: nn.Linear, local: nn.Conv2d, proj: nn.Linear, start: int, by: Factors
) -> None:
    """The second half of `kv`, read by `proj` from column `start`; `local` adds to it."""
    half = kv.out_features // 2
    factors = by.draw(half)
    write(kv, factors, half)
    local.bias.mul_(factors)  # its weights read and write the same channel
    read(proj, factors, start)


def rescale_swin(model: SwinTransformer, by: Factors) -> None:
    """Rescale norms and values; a residual stream follows the norm of the patches."""
    for module in model.modules():
        if isinstance(module, SwinBlock):
            by.transformer(module, module.attn.attn)
        elif isinstance(module, PatchMerging):
            by.pair([module.norm], [module.reduction])
    by.pair([model.norm], [model.head])


FAMILIES = {
    MobileViT: rescale_mobilevit,
    Conformer: rescale_conformer,
    ShuntedTransformer: rescale_shunted,
    SwinTransformer: rescale_swin,
}
