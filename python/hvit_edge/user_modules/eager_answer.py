"""A module's own answer to the golden photo: what every program is compared with."""

from __future__ import annotations

import dataclasses
import inspect
import random
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import nn

from hvit_edge.errors import HvitEdgeError, InputError
from hvit_edge.user_modules.module_state import changed_tensors, kept_attributes
from hvit_edge.user_modules.own_module import own_module
from hvit_edge.user_modules.random_calls import random_calls
from hvit_edge.user_modules.user_code import first_line, place_of_error

SAME = 1e-6
"""Largest difference of two runs on one photo, relative to the largest output."""
MORE_RUNS = 30
"""Runs beyond the first two of a module that drew random numbers without an effect."""
_OF_DTYPES = ("dtype", "Input type", "scalar type", "Double", "Half")


def run_eager(module: nn.Module, example: np.ndarray, where: str) -> np.ndarray:
    """Return a module's logits for one input, float32 [1, classes].

    Args:
        module: in eval mode.
        example: float32 [1, 3, H, W]; stays as it is even if the module writes to its input.
        where: the public function that asks, for messages.

    Raises:
        InputError: the module refuses the input, or does not return finite logits.
    """
    return _logits(_call(module, example, where), where)


def run_own(model: nn.Module, example: np.ndarray, where: str) -> tuple[nn.Module, np.ndarray]:
    """Run a user's module on a copy, and check that its answer depends on the input alone.

    Args:
        model: what the user handed over; it is not altered.
        example, where: as for `run_eager`.

    Returns:
        The copy, which may keep what it computes once (a mask, a table), and its logits.

    Raises:
        InputError: as `own_module` and `run_eager`; or the module answers differently when it is
            asked again, or a run changes its weights or buffers. What does so is named.
    """
    other = np.float32(0.7) * example[..., ::-1]
    module, (expected,) = run_repeatedly(
        model,
        Question(
            ask=lambda module: (run_eager(module, example, where),),
            ask_other=lambda module: run_eager(module, other, where),
            call=lambda module: module(torch.tensor(example)),
            about="photo",
        ),
        where,
    )
    return module, expected


@dataclasses.dataclass(frozen=True)
class Question:
    """How a module is asked for its answer.

    Attributes:
        ask: calls a module with the input, and returns its checked outputs.
        ask_other: the same with another input, whose answer does not matter.
        call: calls a module with the input, and checks nothing.
        about: what the input is called in messages.
    """

    ask: Callable[[nn.Module], tuple[np.ndarray, ...]]
    ask_other: Callable[[nn.Module], object]
    call: Callable[[nn.Module], object]
    about: str


def run_repeatedly(
    model: nn.Module, question: Question, where: str
) -> tuple[nn.Module, tuple[np.ndarray, ...]]:
    """Ask a copy of a user's module, and check that its answer depends on the input alone.

    Args:
        model: what the user handed over; it is not altered.
        question: how it is asked.
        where: the public function that asks, for messages.

    Returns:
        The copy and its outputs; errors as `run_own`.
    """
    module = own_module(model, where)
    before = _generators()
    expected = question.ask(module)
    if changed := changed_tensors(model, module):
        raise InputError(
            f"[{where}] expected a module whose forward leaves its weights and buffers alone, got"
            f" changes of {', '.join(changed)}; change them only if self.training"
        )
    _check_repeats(model, module, question, expected, where, draws=_generators() != before)
    if kept := kept_attributes(model, module):
        _check_memory(own_module(model, where), kept, question, expected, where)
    return module, expected


def _check_repeats(
    model: nn.Module,
    module: nn.Module,
    question: Question,
    expected: tuple[np.ndarray, ...],
    where: str,
    *,
    draws: bool,
) -> None:
    """Refuse a module that answers one input differently when it is asked again."""
    before = _generators()
    for _ in range(1 + (MORE_RUNS if draws else 0)):
        difference = _difference(expected, question.ask(module))
        if difference:
            break
    seeded = draws and _generators() == before  # as if it had drawn nothing
    if not difference and not seeded:
        return
    calls = random_calls(module, lambda: question.call(module))
    kept = kept_attributes(model, module)
    if seeded and not difference and not calls:
        return
    if difference:
        got = f"a difference of {difference:.2g} of the largest output"
    else:
        got = "one that seeds a generator, which no program does"
    if calls:
        cause = f"it draws random numbers: {', '.join(map(str, calls[:3]))}; {calls[0].remedy}"
    elif kept:
        cause = f"it keeps something from run to run: {', '.join(kept)}; keep nothing there"
    elif mutable := _mutable_defaults(module):
        cause = (
            f"its forward has default arguments that a call may change: {', '.join(mutable)}; take"
            " None as the default, and make a new one in each call"
        )
    else:
        cause = "look for uninitialized memory (torch.empty) or clocks in forward"
    raise InputError(
        f"[{where}] expected a module that answers one {question.about} the same twice, got {got};"
        f" {cause}"
    )


def _mutable_defaults(module: nn.Module) -> list[str]:
    """Name the default arguments of a module's functions that keep what a call puts into them."""
    found = []
    for path, child in module.named_modules():
        for parameter in inspect.signature(child.forward).parameters.values():
            if isinstance(parameter.default, list | dict | set):
                found.append(f"{parameter.name} of {f'{path}.' if path else ''}forward")
    return found


def _check_memory(
    fresh: nn.Module,
    kept: list[str],
    question: Question,
    expected: tuple[np.ndarray, ...],
    where: str,
) -> None:
    """Refuse a module whose answer depends on the input that came before."""
    question.ask_other(fresh)
    if _difference(expected, question.ask(fresh)):
        raise InputError(
            f"[{where}] expected a module whose answer depends on its input alone, got one that"
            f" keeps what it drew or computed in its first run, in {', '.join(kept)}; keep only"
            " what is the same for every input"
        )


def _generators() -> tuple[object, ...]:
    """Return the state of every generator that a module may draw from unasked."""
    name, keys, *rest = np.random.get_state()
    return torch.get_rng_state().numpy().tobytes(), random.getstate(), name, keys.tobytes(), *rest


def _difference(expected: Sequence[np.ndarray], actual: Sequence[np.ndarray]) -> float:
    """Return the largest difference relative to an output's largest value, 0 if it is rounding."""
    if [array.shape for array in expected] != [array.shape for array in actual]:
        return float("inf")
    difference = max(map(_relative_difference, expected, actual))
    return difference if difference > SAME else 0.0


def _relative_difference(expected: np.ndarray, actual: np.ndarray) -> float:
    expected, actual = expected.astype(np.float64), actual.astype(np.float64)
    return float(np.abs(expected - actual).max() / max(float(np.abs(expected).max()), 1e-30))


def _call(module: nn.Module, example: np.ndarray, where: str) -> object:
    """Run a module on a copy of the example."""
    try:
        with torch.no_grad():
            return module(torch.from_numpy(example.copy()))
    except (HvitEdgeError, MemoryError):
        raise
    except Exception as error:
        place = place_of_error(error, module)
        raise InputError(
            f"[{where}] expected a module that answers float32 {list(example.shape)}, got"
            f" {first_line(error)}{f' (in {place})' if place else ''};"
            f" {_remedy(module, error, example)}"
        ) from error


def _remedy(module: nn.Module, error: Exception, example: np.ndarray) -> str:
    """Say what to do about an exception of a module's forward."""
    channels = next((c.in_channels for c in module.modules() if isinstance(c, nn.Conv2d)), 3)
    if channels != example.shape[1] and "channels" in str(error):
        how = "x.mean(1, keepdim=True)" if channels == 1 else "an x that has them"
        return (
            f"photos have 3 channels and the first convolution takes {channels}: wrap the module in"
            f" one that calls it with {how}"
        )
    others = {t.dtype for t in module.buffers() if t.is_floating_point()} - {torch.float32}
    if others and any(sign in str(error) for sign in _OF_DTYPES):
        return f"it has buffers of {', '.join(map(str, others))}: call .float() first"
    if isinstance(error, TypeError) and "positional argument" in str(error):
        return "wrap the module in one whose forward takes the image alone"
    size = f"({example.shape[2]}, {example.shape[3]})"
    return (
        f"check its forward, and that {size} is the input_size that it takes: --input-size HxW"
        " (preprocess=) gives another"
    )


def _logits(output: object, where: str) -> np.ndarray:
    """Check what a module returned: finite float32 logits [1, classes]."""
    if not isinstance(output, torch.Tensor) or output.dim() != 2 or output.shape[0] != 1:
        got = _described(output)
    elif output.shape[1] == 0:
        got = "no classes"
    elif output.dtype != torch.float32:
        got = f"{output.dtype}"
    elif output.layout is not torch.strided or output.device.type != "cpu":
        got = f"a tensor on {output.device} in {output.layout}"
    elif not torch.isfinite(output).all():
        raise InputError(
            f"[{where}] expected finite logits on the golden photo, got NaN or infinity;"
            " check the weights"
        )
    else:
        return output.detach().as_subclass(torch.Tensor).clone().contiguous().numpy()
    raise InputError(
        f"[{where}] expected a module that returns float32 logits [1, classes], got {got};"
        " wrap it in a module that does"
    )


def _described(output: object) -> str:
    """Name what a module returned, and what is in it."""
    if isinstance(output, torch.Tensor):
        return str(list(output.shape))
    name = type(output).__name__
    if dataclasses.is_dataclass(output):
        output = vars(output)
    if isinstance(output, Mapping):
        parts = [f"{key}: {_described(value)}" for key, value in list(output.items())[:4]]
    elif isinstance(output, list | tuple):
        parts = [_described(value) for value in output[:4]]
    else:
        return name
    return f"{name} of {', '.join(parts) or 'nothing'}"
