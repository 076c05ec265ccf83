"""Run a module on the golden photo; every program is compared with this answer."""

from __future__ import annotations

import dataclasses
import inspect
import random
from collections.abc import Callable, Iterable, Mapping, Sequence, ValuesView
from typing import Any

import numpy as np
import torch
from torch import nn

from hvit_edge.errors import HvitEdgeError, InputError, first_line
from hvit_edge.user_modules.module_state import changed_tensors, kept_attributes
from hvit_edge.user_modules.own_module import own_module
from hvit_edge.user_modules.random_calls import random_calls
from hvit_edge.user_modules.user_code import place_of_error

SAME = 1e-6
"""Largest allowed difference of two runs on one photo, relative to the largest output."""
MORE_RUNS = 30
"""Number of extra runs of a module that draws random numbers without a visible effect."""
_OF_DTYPES = ("dtype", "Input type", "scalar type", "Double", "Half")


def run_eager(module: nn.Module, example: np.ndarray, where: str) -> np.ndarray:
    """Return the logits of a module for one input, float32 [N, classes].

    Args:
        module: in eval mode.
        example: float32 [N, 3, H, W]. It is not changed, even if the module writes to its input.
        where: name of the public function that was called, for messages.

    Raises:
        InputError: the module refuses the input, or does not return finite logits.
    """
    return _logits(_call(module, example, where), where, len(example))


def run_own(model: nn.Module, example: np.ndarray, where: str) -> tuple[nn.Module, np.ndarray]:
    """Run a copy of a user's module, and check that its answer depends only on the input.

    Args:
        model: the user's module; it is not changed.
        example, where: see `run_eager`.

    Returns:
        The copy, which may cache what it computes once (a mask, a table), and its logits.

    Raises:
        InputError: see `own_module` and `run_eager`; or a second run gives another answer, or a run
            changes weights or buffers. The message names the cause.
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
    """Defines how a module is run for its answer.

    Attributes:
        ask: calls a module with the input, and returns its checked outputs.
        ask_other: calls it with another input, whose answer does not matter.
        call: calls it with the input without any check.
        about: name of the input in messages.
    """

    ask: Callable[[nn.Module], tuple[np.ndarray, ...]]
    ask_other: Callable[[nn.Module], object]
    call: Callable[[nn.Module], object]
    about: str


def run_repeatedly(
    model: nn.Module, question: Question, where: str
) -> tuple[nn.Module, tuple[np.ndarray, ...]]:
    """Run a copy of a user's module, and check that its answer depends only on the input.

    Args:
        model: the user's module; it is not changed.
        question: how it is run.
        where: name of the public function that was called, for messages.

    Returns:
        The copy and its outputs.

    Raises:
        InputError: see `run_own`.
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
    """Raise InputError if a second run of a module on one input gives another answer."""
    before = _generators()
    for _ in range(1 + (MORE_RUNS if draws else 0)):
        difference = _difference(expected, question.ask(module))
        if difference:
            break
    seeded = draws and _generators() == before  # it drew numbers, but the state is the same
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
    """Return the default arguments of `forward` functions that a call may change."""
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
    """Raise InputError if the answer of a module depends on an earlier input."""
    question.ask_other(fresh)
    if _difference(expected, question.ask(fresh)):
        raise InputError(
            f"[{where}] expected a module whose answer depends only on its input, got one that"
            f" keeps what it drew or computed in its first run, in {', '.join(kept)}; keep only"
            " what is the same for every input"
        )


def _generators() -> tuple[object, ...]:
    """Return the state of every global generator that a module may draw from."""
    state: Any = np.random.get_state()
    name, keys, *rest = state
    return torch.get_rng_state().numpy().tobytes(), random.getstate(), name, keys.tobytes(), *rest


def _difference(expected: Sequence[np.ndarray], actual: Sequence[np.ndarray]) -> float:
    """Return the largest difference relative to an output's largest value; 0 up to `SAME`."""
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
    except (Exception, SystemExit) as error:
        place = place_of_error(error, module)
        raise InputError(
            f"[{where}] expected a module that answers float32 {list(example.shape)}, got"
            f" {first_line(error)}{f' (in {place})' if place else ''};"
            f" {_remedy(module, error, example)}"
        ) from error


def _remedy(module: nn.Module, error: BaseException, example: np.ndarray) -> str:
    """Return a remedy for an exception of a module's forward."""
    channels = next((c.in_channels for c in module.modules() if isinstance(c, nn.Conv2d)), 3)
    if channels != example.shape[1] and "channels" in str(error):
        how = "x.mean(1, keepdim=True)" if channels == 1 else "an x that has them"
        return (
            f"photos have 3 channels, but the first convolution has {channels}: wrap the module in"
            f" one that calls it with {how}"
        )
    others = {t.dtype for t in module.buffers() if t.is_floating_point()} - {torch.float32}
    if others and any(sign in str(error) for sign in _OF_DTYPES):
        return f"it has buffers of {', '.join(map(str, others))}: call .float() first"
    if isinstance(error, TypeError) and "positional argument" in str(error):
        return "wrap the module in one whose forward takes only the image"
    size = f"({example.shape[2]}, {example.shape[3]})"
    return (
        f"check its forward, and that {size} is its input_size; set another with --input-size HxW"
        " (preprocess=)"
    )


def _logits(output: object, where: str, rows: int) -> np.ndarray:
    """Check that a module returned finite float32 logits [rows, classes], and return them."""
    if not isinstance(output, torch.Tensor) or output.dim() != 2 or output.shape[0] != rows:
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
        f"[{where}] expected a module that returns float32 logits [{rows}, classes], got {got};"
        f" {_other_task(output)}"
    )


def _other_task(output: object) -> str:
    """Return a remedy for outputs that are not those of a classifier."""
    values = output.values() if isinstance(output, Mapping) else output
    found = [values] if isinstance(values, torch.Tensor) else list(_iterated(values))
    shapes = [one.shape for one in found if isinstance(one, torch.Tensor)]
    if shapes and len(shapes[0]) == 4 and shapes[0][2:].numel() > 1:
        return "compile it with --task segment (task='segment') if it has a map for each class"
    if [len(shape) for shape in shapes] == [3, 3]:
        return "compile it in Python with task=Detect(anchors=...) if it detects objects"
    return "wrap it in a module that does"


def _iterated(values: object) -> Iterable[object]:
    return values if isinstance(values, list | tuple | ValuesView) else ()


def _described(output: object) -> str:
    """Describe the type and content of a module's output."""
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
