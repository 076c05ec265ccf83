import math

import numpy as np
import pytest
import torch
from torch import nn

from hvit_edge.errors import InputError
from hvit_edge.quantize import centred_sqnr, layer_sqnr, quantize, sqnr


def test_a_tenth_of_the_amplitude_is_twenty_decibel():
    expected = np.array([[3.0, 4.0]])
    assert sqnr(expected, 1.1 * expected) == pytest.approx(20)


def test_equal_and_not_finite():
    expected = np.ones((2, 3))
    assert sqnr(expected, expected) == math.inf
    assert sqnr(expected, np.full((2, 3), np.nan)) == -math.inf


def test_centring_removes_what_all_images_share():
    signal = np.array([[1.0, -1.0], [-1.0, 1.0]])
    noisy = signal + np.array([[0.1, -0.1], [-0.1, 0.1]])
    assert sqnr(100 + signal, 100 + noisy) > 50
    assert centred_sqnr(100 + signal, 100 + noisy) == pytest.approx(20)


def test_shapes_must_match():
    with pytest.raises(InputError, match=r"got \[1, 2\] and \[1, 3\]"):
        sqnr(np.ones((1, 2)), np.ones((1, 3)))


def test_layers_are_named_and_sorted(graph_of):
    module = nn.Sequential(nn.Linear(16, 16), nn.GELU(), nn.Linear(16, 4))
    module[0].weight.data[0] *= 100  # one wide row costs nothing: scales go by the channel
    x = torch.randn(8, 16)
    graph = graph_of(module, x)
    listed = layer_sqnr(graph, quantize(graph, (x,), precision="int8-dynamic"), [(x,), (2 * x,)])
    assert sorted(item.layer.split(":")[0] for item in listed) == ["0", "2"]
    assert listed[0].sqnr_db <= listed[1].sqnr_db
    assert all(30 < item.sqnr_db < 60 for item in listed)
