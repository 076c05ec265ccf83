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
    "causal": {"is_causal": True},
    "dropout": {"dropout_p": 0.1},
    "boolean mask": {"attn_mask": torch.ones(6, 5, dtype=torch.bool)},
}


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_near_miss_stays(name, untouched, call):
    untouched(
        decompose_attention, call(lambda q, k, v: attention(q, k, v, **NEAR_MISSES[name])), Q, K, V
    )


def test_grouped_queries_stay(untouched, call):
    module = call(lambda q, k, v: attention(q, k, v, enable_gqa=True))
    untouched(decompose_attention, module, Q, K[:, :1], V[:, :1])
