"""Recurrent layers and cells, against PyTorch's own kernels in float64."""

import pytest
import torch
from torch import nn

from hvit_edge.lowering.unroll_recurrence import unroll_recurrence

X = torch.randn(2, 5, 6)


class Whole(nn.Module):
    """A recurrent layer that gives its sequence and its last states."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        sequence, states = self.layer(x)
        return sequence, *(states if isinstance(states, tuple) else (states,))


class Cells(nn.Module):
    """Each kind of cell, called in a loop over the steps."""

    def __init__(self) -> None:
        super().__init__()
        self.gru, self.lstm = nn.GRUCell(6, 6), nn.LSTMCell(6, 6, bias=False)
        self.rnn, self.relu = nn.RNNCell(6, 6), nn.RNNCell(6, 6, nonlinearity="relu")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = state = None
        for step in x.unbind(1):
            h = self.gru(step, h)
            state = self.lstm(h, state)
            h = self.relu(self.rnn(state[0]), h)
        return h + state[1]


LAYERS = {
    "gru": nn.GRU(6, 4, batch_first=True),
    "gru of two layers, both ways, time first": nn.GRU(6, 4, 2, bidirectional=True),
    "gru without biases": nn.GRU(6, 4, bias=False),
    "lstm": nn.LSTM(6, 4, batch_first=True),
    "lstm both ways": nn.LSTM(6, 4, batch_first=True, bidirectional=True),
    "lstm of two layers, projected": nn.LSTM(6, 4, 2, proj_size=3, batch_first=True),
    "rnn": nn.RNN(6, 4, 2, batch_first=True),
    "rnn of relu": nn.RNN(6, 4, nonlinearity="relu", bidirectional=True),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_are_written_out(name, rewritten):
    after = rewritten(unroll_recurrence, Whole(LAYERS[name]), X)
    assert not {"gru", "lstm", "rnn_tanh", "rnn_relu"} & set(after)


def test_the_input_is_projected_once(rewritten):
    after = rewritten(unroll_recurrence, Whole(LAYERS["gru"]), X)
    assert after["linear"] == 1 + X.shape[1]


def test_cells_are_written_out(rewritten):
    after = rewritten(unroll_recurrence, Cells(), X)
    assert not {"gru_cell", "lstm_cell", "rnn_tanh_cell", "rnn_relu_cell"} & set(after)


def test_graphs_without_recurrence_stay(untouched):
    untouched(unroll_recurrence, nn.Linear(6, 4), X)
