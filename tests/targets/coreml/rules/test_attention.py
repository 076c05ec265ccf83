import numpy as np
import pytest
import torch
from torch.nn import functional as F

GENERATOR = torch.Generator().manual_seed(0)
IMAGE = torch.randn(1, 4, 6, 5, generator=GENERATOR)
WEIGHTS = [torch.randn(width, 4, generator=GENERATOR) / 2 for width in (8, 8, 12)]
IOS = pytest.mark.parametrize("ios", [17, 18])
attend = F.scaled_dot_product_attention


def projected(image, weights, heads):
    """q, k [1, heads, 30, 8 / heads] and v [1, heads, 30, 12 / heads] of a map."""
    tokens = image.flatten(2).transpose(1, 2)
    return [
        F.linear(tokens, weight).reshape(1, 30, heads, -1).transpose(1, 2) for weight in weights
    ]


def merged(x):
    """[B, heads, N, d] -> [B, N, heads * d]."""
    return x.transpose(1, 2).flatten(2)


@IOS
@pytest.mark.parametrize("heads", [1, 2, 4])
def test_heads(heads, ios, call, agrees):
    """Values are wider than queries and keys."""
    module = call(lambda x, *w: merged(attend(*projected(x, w, heads))), *WEIGHTS)
    count = agrees(module, IMAGE, ios)
    assert count["scaled_dot_product_attention"] == (ios == 18)
    assert count["einsum"] == (2 * heads if ios == 17 else 0)


def test_one_transpose_for_all_heads(call, agrees):
    def forward(x, *weights):
        maps = merged(attend(*projected(x, weights, 4))).transpose(1, 2).reshape(1, 12, 6, 5)
        return F.max_pool2d(maps, 2)

    count = agrees(call(forward, *WEIGHTS), IMAGE)
    # q, k and v become rows of tokens, the result a map, that one logits; k is turned.
    assert (count["transpose"], count["reshape"]) == (1, 5)


MASKS = {
    "a head": (1, 2, 30, 30),
    "all heads": (1, 1, 30, 30),
    "two dimensions": (30, 30),
    "three dimensions": (2, 30, 30),
    "keys": (1, 1, 1, 30),
    "queries": (1, 2, 30, 1),
}


@IOS
@pytest.mark.parametrize("name", MASKS)
def test_added_mask(name, ios, call, agrees):
    mask = 3 * torch.randn(MASKS[name], generator=torch.Generator().manual_seed(1))
    module = call(
        lambda x, mask, *w: merged(attend(*projected(x, w, 2), attn_mask=mask)), mask, *WEIGHTS
    )
    agrees(module, IMAGE, ios)


@IOS
@pytest.mark.parametrize("name", MASKS)
def test_boolean_mask(name, ios, call, agrees):
    mask = torch.rand(MASKS[name], generator=torch.Generator().manual_seed(1)) > 0.4
    mask[..., 0] = True  # each query has a key
    module = call(
        lambda x, mask, *w: merged(attend(*projected(x, w, 2), attn_mask=mask)), mask, *WEIGHTS
    )
    agrees(module, IMAGE, ios)


@IOS
@pytest.mark.parametrize("scale", [0.3, 1.0, 0.5])
def test_scale(scale, ios, call, agrees):
    module = call(lambda x, *w: merged(attend(*projected(x, w, 2), scale=scale)), *WEIGHTS)
    count = agrees(module, IMAGE, ios)
    if ios == 18:
        assert count["mul"] == (scale != 0.5)  # 0.5 is the operator's own for four channels


LENGTHS = {
    "fewer keys": (slice(None), slice(3, 20)),
    "one query": (slice(1), slice(None)),
    "one key": (slice(None), slice(4, 5)),
    "one of each": (slice(1), slice(4, 5)),
}


@IOS
@pytest.mark.parametrize("name", LENGTHS)
def test_lengths_that_differ(name, ios, call, agrees):
    queries, keys = LENGTHS[name]

    def forward(x, mask, *weights):
        q, k, v = projected(x, weights, 2)
        mask = mask[:, :, queries, keys]
        return merged(attend(q[:, :, queries], k[:, :, keys], v[:, :, keys], attn_mask=mask))

    mask = torch.randn(1, 2, 30, 30, generator=torch.Generator().manual_seed(1))
    agrees(call(forward, mask, *WEIGHTS), IMAGE, ios)


@IOS
def test_keys_of_a_coarser_map(ios, call, agrees):
    """Shunted attention: keys and values come from an averaged map."""

    def forward(x, *weights):
        q, _, _ = projected(x, weights, 2)
        coarse = F.avg_pool2d(x, (2, 1)).flatten(2).transpose(1, 2)
        k, v = F.linear(coarse, weights[2][:8]).chunk(2, dim=-1)
        q = q[..., :2]
        k, v = (part.reshape(1, 15, 2, 2).transpose(1, 2) for part in (k, v))
        return merged(attend(q, k, v))

    agrees(call(forward, *WEIGHTS), IMAGE, ios)


@IOS
@pytest.mark.parametrize("heads", [1, 2])
def test_windows_with_masks_of_their_own(heads, ios, call, agrees):
    def forward(x, mask):
        windows = x.reshape(1, 4, 2, 3, 5).permute(0, 2, 3, 4, 1).reshape(2, 15, 4)
        q = windows.reshape(2, 15, heads, 4 // heads).transpose(1, 2)
        return merged(attend(q, 2 * q, q - 1, attn_mask=mask))

    mask = torch.randn(2, heads, 15, 15, generator=torch.Generator().manual_seed(1))
    agrees(call(forward, mask), IMAGE, ios)


@IOS
@pytest.mark.parametrize("position", [0, 1, 2])
def test_constant_queries_keys_or_values(position, ios, call, agrees):
    """Learned class tokens are an example."""

    def forward(x, constant, *weights):
        parts = projected(x, weights, 2)
        parts[position] = constant
        return merged(attend(*parts))

    shape = (1, 2, 30, 6 if position == 2 else 4)
    constant = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    agrees(call(forward, constant, *WEIGHTS), IMAGE, ios)


@IOS
def test_one_tensor_in_all_places(ios, call, agrees):
    agrees(call(lambda x: attend(x, x, x)), IMAGE, ios)


@IOS
def test_width_of_one(ios, call, agrees):
    module = call(lambda x, *w: merged(attend(*projected(x, w, 4))), *(w[:4] for w in WEIGHTS))
    agrees(module, IMAGE, ios)


KINDS = {
    "causal": lambda q, k, v: attend(q, k, v, is_causal=True),
    "computed mask": lambda q, k, v: attend(
        q, k, v, attn_mask=k[:, :, :, :1].transpose(2, 3).expand(-1, -1, q.shape[2], -1)
    ),
    "computed mask of all heads": lambda q, k, v: attend(
        q, k, v, attn_mask=k[:, :1, :, :1].transpose(2, 3)
    ),
    "computed boolean mask": lambda q, k, v: attend(q, k, v, attn_mask=q @ k.transpose(2, 3) > 0),
    "three dimensions": lambda q, k, v: attend(q[0], k[0], v[0]),
    "five dimensions": lambda q, k, v: attend(
        *(t.reshape(1, 2, -1, 2, t.shape[-1]).transpose(2, 3) for t in (q, k, v))
    ),
    "grouped heads": lambda q, k, v: attend(q, k[:, :1], v[:, :1], enable_gqa=True),
    "one head for all": lambda q, k, v: attend(q, k[:, :1], v[:, :1]),
    "lowest numbers as a mask": lambda q, k, v: attend(
        q, k, v, attn_mask=torch.full((q.shape[2], k.shape[2]), -3.4e38).triu(1)
    ),
}


@pytest.mark.slow
@IOS
def test_other_kinds(ios, agree, call):
    bodies = {
        name: lambda x, *w, body=body: body(*projected(x, w, 2)) for name, body in KINDS.items()
    }
    agree(bodies, IMAGE, *WEIGHTS, ios=ios)


def test_masks_have_numbers_that_float16_holds(call, translation):
    """A causal mask of infinities would keep its attention in float32."""
    module = call(lambda x, *w: KINDS["causal"](*projected(x, w, 2)), *WEIGHTS)
    function = translation(module, IMAGE).program.functions["main"]
    added = [op.y.val for op in function.operations if op.op_type == "add" and op.y.rank == 4]
    assert len(added) == 2
    assert all(np.isfinite(np.float16(values)).all() for values in added)


def test_attention_that_is_written_out_is_attention(call, agrees):
    """Products, a scale, a mask of infinities and a softmax: as the operator of PyTorch."""
    mask = torch.zeros(1, 1, 30, 30).masked_fill(torch.ones(30, 30).triu(1).bool(), -torch.inf)

    def written_out(x, *w):
        q, k, v = projected(x, w[:3], 2)
        return ((q @ k.transpose(-2, -1)) * 0.5 + w[3]).softmax(-1) @ v

    count = agrees(call(written_out, *WEIGHTS, mask), IMAGE)
    assert count["einsum"] == 4
    assert not count["matmul"]
