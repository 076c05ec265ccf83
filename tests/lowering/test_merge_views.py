import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hvit_edge.lowering import export_graph
from hvit_edge.lowering.merge_views import merge_views

X = torch.randn(1, 6, 4)
CHAINS = {
    "two reshapes": (lambda x: x.reshape(6, 4).reshape(2, 12), {"reshape": 1}),
    "reshapes that cancel": (lambda x: x.reshape(6, 4).reshape(1, 6, 4), {}),
    "two permutes": (lambda x: x.permute(0, 2, 1).permute(1, 0, 2), {"permute": 1}),
    "permutes that cancel": (lambda x: x.permute(0, 2, 1).permute(0, 2, 1), {}),
    "permute of ones": (lambda x: x.permute(1, 0, 2), {"reshape": 1}),
    "heads": (
        lambda x: x.reshape(1, 6, 2, 2).permute(0, 2, 1, 3).reshape(2, 6, 2),
        {"reshape": 1, "permute": 1},
    ),
}


@pytest.mark.parametrize("name", CHAINS)
def test_chain_shrinks(name, rewritten, call):
    function, expected = CHAINS[name]
    after = rewritten(merge_views, call(lambda x: function(x) + 1), X, bit_equal=True)
    assert after == {**expected, "add": 1}


def test_shared_reshape_stays_for_its_other_user(rewritten, call):
    def forward(x):
        flat = x.reshape(6, 4)
        return flat.exp().sum() + flat.reshape(24)

    assert rewritten(merge_views, call(forward), X)["reshape"] == 2


def test_near_miss_stays(untouched, call):
    untouched(merge_views, call(lambda x: x.permute(0, 2, 1).reshape(24)), X)


def test_rows_moved_for_a_right_factor_stay_behind_their_reshape(untouched, call):
    """`v` of an attention."""

    def forward(a, x):
        return torch.bmm(a, x.permute(0, 2, 1, 3).reshape(2, 6, 4))

    untouched(merge_views, call(forward), torch.randn(2, 5, 6), torch.randn(1, 6, 2, 4))


@pytest.mark.parametrize(
    "product",
    [
        lambda a, x: torch.bmm(x.permute(0, 2, 1, 3).reshape(2, 6, 4), a),
        lambda a, x: torch.bmm(a, x.permute(0, 2, 3, 1).reshape(2, 4, 6)),
    ],
    ids=["q is the left factor", "k is transposed anyway"],
)
def test_other_factors_are_reshaped_first(product, rewritten, call):
    a, x = torch.randn(2, 4, 4), torch.randn(1, 6, 2, 4)
    graph_ops = rewritten(merge_views, call(product), a, x, bit_equal=True)
    assert graph_ops == {"reshape": 1, "permute": 1, "bmm": 1}


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_chain_keeps_every_element(data):
    """Chains of reshapes and permutes over shapes full of ones."""
    factors = data.draw(st.permutations([1, 2, 3, 1, 4]))
    chain = []
    rank = len(factors)
    for _ in range(data.draw(st.integers(1, 5))):
        if data.draw(st.booleans()):
            chain.append(("permute", data.draw(st.permutations(range(rank)))))
        else:
            shape = data.draw(st.permutations(data.draw(st.sampled_from(SHAPES))))
            chain.append(("reshape", shape))
            rank = len(shape)

    class Chain(torch.nn.Module):
        def forward(self, x):
            for name, argument in chain:
                x = getattr(x, name)(argument)
            return x * 2

    x = torch.randn(*factors)
    expected = Chain()(x)
    graph = export_graph(Chain().eval(), (x,))
    merge_views(graph)
    graph.recompile()
    assert torch.equal(graph(x), expected)


SHAPES = [[24], [1, 24], [2, 12], [1, 1, 24], [1, 2, 3, 4], [6, 1, 4], [2, 1, 3, 4, 1]]
