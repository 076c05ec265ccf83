"""A fixture that runs the C++ preprocessing for a Python specification."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hvit_edge import _runtime
from hvit_edge.preprocess import Preprocess


def native(spec: Preprocess, instruction_set: str | None = None) -> _runtime.Preprocessor:
    """Return the C++ implementation of `spec`, for the named instructions or the fastest here."""
    wanted = _runtime.PreprocessSpec()
    wanted.input_height, wanted.input_width = spec.input_size
    wanted.resize = getattr(_runtime.Resize, spec.resize.replace("-", "_"))
    wanted.resize_size = spec.resize_size
    wanted.interpolation = getattr(_runtime.Interpolation, spec.interpolation)
    wanted.mean = list(spec.mean)
    wanted.std = list(spec.std)
    wanted.channel_order = getattr(_runtime.ChannelOrder, spec.channel_order)
    return _runtime.Preprocessor(wanted, instruction_set)


@pytest.fixture(scope="session", name="native")
def native_fixture() -> Callable[..., _runtime.Preprocessor]:
    """Return `native(spec)`, which gives the C++ implementation of a Python specification."""
    return native
