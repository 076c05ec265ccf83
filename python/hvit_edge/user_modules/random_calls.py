"""Find the calls of a module that draw random numbers, and their lines in the user's code."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.overrides import TorchFunctionMode, resolve_name
from torch.utils._python_dispatch import TorchDispatchMode

from hvit_edge.user_modules.user_code import Names, module_names, place_of_frame

_ACTIVE = "pass training=self.training to it: without, it drops in eval mode too"
_REMEDIES = {
    "scaled_dot_product_attention": "pass dropout_p=0.0 to it in eval mode",
    "multi_head_attention_forward": "pass training=self.training to it",
    **dict.fromkeys(
        ["dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout"]
        + ["feature_alpha_dropout", "feature_dropout"],
        _ACTIVE,
    ),
    "rrelu": "pass training=self.training to it",
}
_OTHER_REMEDY = "draw no random numbers in eval mode (if self.training: ...)"


@dataclass(frozen=True)
class RandomCall:
    """Describes a call that draws random numbers.

    Attributes:
        function: the function as the user calls it, such as `torch.nn.functional.dropout`.
        operator: the operator that draws, such as `aten.bernoulli_.float`; empty outside PyTorch.
        place: submodule and line, see `user_code.place_of_frame`.
    """

    function: str
    operator: str
    place: str

    def __str__(self) -> str:
        operator = f" ({self.operator})" if self.operator else ""
        return f"{self.function}{operator} in {self.place or 'the module'}"

    @property
    def remedy(self) -> str:
        return _REMEDIES.get(self.function.rsplit(".", 1)[-1], _OTHER_REMEDY)


def random_calls(module: nn.Module, run: Callable[[], object]) -> list[RandomCall]:
    """Run a module again, and return the distinct calls that drew random numbers, in order.

    Args:
        module: in eval mode.
        run: calls the module, always with the same input.
    """
    found: list[RandomCall] = []
    names = module_names(module)
    functions = _Functions()
    with torch.no_grad(), functions, _Operators(names, functions, found):
        run()
    if not found:
        with torch.no_grad(), _drawn_outside_torch(names, found):
            run()
    return list(dict.fromkeys(found))


class _Functions(TorchFunctionMode):
    """Keeps a stack of the running functions of `torch`, outermost first."""

    def __init__(self) -> None:
        super().__init__()
        self.running: list[object] = []

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        self.running.append(func)
        try:
            return func(*args, **(kwargs or {}))
        finally:
            self.running.pop()


class _Operators(TorchDispatchMode):
    """Records each ATen operator that draws from a generator."""

    def __init__(self, names: Names, functions: _Functions, found: list[RandomCall]) -> None:
        super().__init__()
        self.names, self.functions, self.found = names, functions, found

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if torch.Tag.nondeterministic_seeded in func.tags:
            outermost = next(iter(self.functions.running), None)
            function = (resolve_name(outermost) if outermost else None) or str(func)
            place = _place(sys._getframe(1), self.names)
            self.found.append(RandomCall(function, str(func), place))
        return func(*args, **(kwargs or {}))


@contextmanager
def _drawn_outside_torch(names: Names, found: list[RandomCall]) -> Iterator[None]:
    """Record calls of Python's generators, and functions that advance NumPy's global generator."""
    position = [_numpy_position()]

    def note(frame: FrameType, event: str, called: object) -> None:
        if event == "c_call" and isinstance(getattr(called, "__self__", None), random.Random):
            name = f"random.{getattr(called, '__name__', '')}"
            found.append(RandomCall(name, "", _place(frame, names)))
        if position[0] != _numpy_position():  # a profiler does not see NumPy's functions
            position[0] = _numpy_position()
            found.append(RandomCall("numpy.random", "", _place(frame, names)))

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield
    finally:
        sys.setprofile(before)


def _place(frame: FrameType | None, names: Names) -> str:
    return place_of_frame(frame, names, random_calls.__code__)


def _numpy_position() -> tuple[int, int]:
    state: Any = np.random.get_state()
    _, keys, position, *_ = state
    return position, int(keys[0])
