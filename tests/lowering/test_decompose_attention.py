import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention as attention

from hvit_edge.lowering.decompose_attention import decompose_attention

Q, K, V = torch.randn(1, 2, 6, 4), torch.randn(1, 2, 5, 4), torch.randn(1, 2, 5, 3)
MASK = torch.randn(2, 6, 5)


@pytest.mark.parametrize("scale", [None, 0.3])
@pytest.mark.parametrize("mask", [False, True])
def test_written_out(scale, mask, rewritten, call):
    def forward(q, k, v, m):
        return attention(q, k, v, attn_mask=m if mask else None, scale=scale)

    after = rewritten(decompose_attention, call(forward), Q, K, V, MASK)
    expected = {"mul": 1, "permute": 1, "matmul": 2, "softmax": 1}
    assert after == (expected | {"add": 1} if mask else expected)


NEAR_MISSES = {
    "dropout": {"dropout_p": 0.1},
}


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_near_miss_stays(name, untouched, call):
    untouched(
        decompose_attention, call(lambda q, k, v: attention(q, k, v, **NEAR_MISSES[name])), Q, K, V
    )


@pytest.mark.parametrize("least", [-9.0, 0.0, 1.0])  # all keys, most of them, none for some rows
def test_a_computed_boolean_mask(least, rewritten, call):
    module = call(lambda q, k, v, m: attention(q, k, v, attn_mask=m > least))
    after = rewritten(decompose_attention, module, Q, K, V, MASK)
    assert (after["softmax"], after["to"], after["amax"]) == (1, 1, 1)


def test_causal(rewritten, call):
    module = call(lambda q, k, v: attention(q, k, v, is_causal=True))
    after = rewritten(decompose_attention, module, Q, K, V)
    assert after == {"mul": 1, "permute": 1, "matmul": 2, "softmax": 1, "add": 1}


class Masked(torch.nn.Module):
    """Attention with a constant mask; row 2 of it may be completely masked."""

    def __init__(self, mask: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("mask", mask)

    def forward(self, q, k, v):
        return attention(q, k, v, attn_mask=self.mask)


BOOLEAN = torch.rand(6, 5, generator=torch.Generator().manual_seed(0)) > 0.4
BOOLEAN[:, 0] = True
NO_ROW = BOOLEAN & (torch.arange(6) != 2)[:, None]
MASKS = {
    "boolean": (BOOLEAN, 1),
    "boolean, a row": (NO_ROW, 2),
    "floating, a row": (torch.zeros(6, 5).double().masked_fill(~NO_ROW, -torch.inf), 2),
}


@pytest.mark.parametrize("name", MASKS)
def test_constant_masks(name, rewritten):
    mask, products = MASKS[name]
    after = rewritten(decompose_attention, Masked(mask), Q, K, V)
    assert (after["add"], after["mul"]) == (1, products)


@pytest.mark.parametrize("heads", [1, 2])
def test_grouped_queries(heads, rewritten, call):
    query = torch.randn(1, 4, 6, 4)
    module = call(lambda q, k, v: attention(q, k, v, enable_gqa=True))
    after = rewritten(decompose_attention, module, query, K[:, :heads], V[:, :heads])
    assert after["repeat_interleave"] == (0 if heads == 1 else 2)
