import numpy as np
import pytest
from coremltools.converters.mil.mil import Builder as mb
from hypothesis import given, settings
from hypothesis import strategies as st

few = settings(max_examples=12, deadline=None, derandomize=True)
sizes = st.integers(1, 5)


def attention(query, key, value, mask):
    query, key, value = (part.astype(np.float64) for part in (query, key, value))
    scores = np.einsum("...le,...se->...ls", query, key) / np.sqrt(query.shape[-1]) + mask
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    return np.einsum("...ls,...se->...le", powers / powers.sum(-1, keepdims=True), value)


@pytest.mark.parametrize("kind", ["none", "bool", "float"])
@few
@given(
    batch=st.lists(sizes, min_size=1, max_size=2),
    length=sizes,
    others=sizes,
    width=sizes,
    outs=sizes,
    seed=st.integers(0, 1000),
)
def test_attention(evaluate, close, kind, batch, length, others, width, outs, seed):
    rng = np.random.default_rng(seed)
    query, key, value = (
        rng.standard_normal((*batch, *shape)).astype(np.float32)
        for shape in ((length, width), (others, width), (others, outs))
    )
    inputs = [query, key, value]
    added = 0.0
    if kind == "float":
        added = rng.standard_normal((length, others)).astype(np.float32)
        inputs.append(added)
    elif kind == "bool":
        kept = rng.integers(0, 2, (length, others)).astype(bool)
        kept[:, 0] = True
        added = np.where(kept, 0, -np.inf)
        inputs.append(kept)
    if kind == "none":
        got = evaluate(
            lambda q, k, v: mb.scaled_dot_product_attention(query=q, key=k, value=v),
            *inputs,
            ios=18,
        )
    else:
        got = evaluate(
            lambda q, k, v, m: mb.scaled_dot_product_attention(
                query=q, key=k, value=v, attn_mask=m
            ),
            *inputs,
            ios=18,
        )
    close(got, attention(query, key, value, added))
