"""Settings of PyTorch inside public functions, and after them."""

import random

import numpy as np
import pytest
import torch

from hvit_edge.boundary.torch_state import settled


def observed() -> dict[str, object]:
    return {
        "dtype": torch.get_default_dtype(),
        "device": torch.empty(1).device.type,
        "inference": torch.is_inference_mode_enabled(),
        "gradients": torch.is_grad_enabled(),
        "autocast": torch.is_autocast_enabled("cpu"),
    }


DEFAULTS = {
    "dtype": torch.float32,
    "device": "cpu",
    "inference": False,
    "gradients": True,
    "autocast": False,
}


@pytest.fixture
def double():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize(
    "context",
    [
        torch.no_grad,
        torch.inference_mode,
        lambda: torch.device("meta"),
        lambda: torch.autocast("cpu", torch.bfloat16),
    ],
    ids=["no_grad", "inference_mode", "device", "autocast"],
)
def test_settings_of_the_caller_are_set_aside(double, context):
    with context():
        before = observed()
        assert settled(observed)() == DEFAULTS
        assert observed() == before


def test_what_a_module_sets_is_undone():
    def change() -> None:
        torch.set_default_dtype(torch.float64)
        torch.set_num_threads(threads + 1)
        random.random()
        np.random.rand()
        torch.rand(1)
        raise KeyError

    threads = torch.get_num_threads()
    states = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()
    with pytest.raises(KeyError):
        settled(change)()
    assert (torch.get_default_dtype(), torch.get_num_threads()) == (torch.float32, threads)
    assert torch.equal(torch.get_rng_state(), states[0]) and random.getstate() == states[1]
    assert np.random.get_state()[1].tolist() == states[2]
