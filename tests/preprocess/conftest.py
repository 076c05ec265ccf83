"""A fixture that runs the C++ preprocessing for a Python specification."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hvit_edge.preprocess import Preprocess
from hvit_edge.runtime.binding import cpp


def native(spec: Preprocess, instruction_set: str | None = None) -> cpp.Preprocessor:
    """Return the C++ implementation of `spec`, for the named instructions or the fastest here."""
    wanted = cpp.PreprocessSpec()
    wanted.input_height, wanted.input_width = spec.input_size
    wanted.resize = getattr(cpp.Resize, spec.resize.replace("-", "_"))
    wanted.resize_size = spec.resize_size
    wanted.interpolation = getattr(cpp.Interpolation, spec.interpolation)
    wanted.mean = list(spec.mean)
    wanted.std = list(spec.std)
    wanted.channel_order = getattr(cpp.ChannelOrder, spec.channel_order)
    return cpp.Preprocessor(wanted, instruction_set)


@pytest.fixture(scope="session", name="native")
def native_fixture() -> Callable[..., cpp.Preprocessor]:
    """Return `native(spec)`, which gives the C++ implementation of a Python specification."""
    return native
