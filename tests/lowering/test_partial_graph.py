import pytest
import torch
from torch import nn
from torch.export import _trace

from hvit_edge.errors import LoweringError
from hvit_edge.lowering import export_graph


class Branching(nn.Module):
    def forward(self, x):
        print("a user's own line")
        if x.sum() > 0:
            return x
        return -x


def test_a_refusal_names_the_line_and_prints_no_graph(capfd):
    with pytest.raises(LoweringError, match=r"depends on the values .*test_partial_graph.py:13\)"):
        export_graph(Branching().eval(), (torch.ones(1, 3),))
    out, err = capfd.readouterr()
    assert "a user's own line" in out and "def forward" not in err
    assert "print" not in vars(_trace)
