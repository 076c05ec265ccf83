"""Find the line of the user's code from which an exception or a call came."""

from __future__ import annotations

import os
import sysconfig
import traceback
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import CodeType, FrameType

import torch
from torch import nn

Names = Mapping[int, str]
"""Maps `id(module)` to the dotted path of the module in its network."""

_TORCH = f"{Path(torch.__file__).parent}{os.sep}"
_OWN = f"{Path(__file__).parents[1]}{os.sep}"
_LIBRARIES = (
    f"{sysconfig.get_path('stdlib')}{os.sep}",
    f"{sysconfig.get_path('platstdlib')}{os.sep}",
)
_TYPED = ("<stdin", "<ipython")
_INSTALLED = ("site-packages", "dist-packages")


def module_names(module: nn.Module) -> dict[int, str]:
    """Return the dotted path of each submodule by its id; the path of the module is empty."""
    return {id(child): path for path, child in module.named_modules()}


def place_of_error(error: BaseException, module: nn.Module) -> str:
    """Return where in the user's code `error` was raised: `head.norm (LayerNorm), net.py:12`.

    Args:
        error: raised while `module` ran.
        module: the module, for the name of the submodule that was running.

    Returns:
        The innermost submodule, and the last line that is not in PyTorch, Python or this package;
        empty if there is neither.
    """
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    lines = [
        (frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    return _place(reversed(frames), reversed(lines), module_names(module))


def place_of_frame(frame: FrameType | None, names: Names, root: CodeType) -> str:
    """Return where in the user's code the call was made that led to `frame`.

    The result has the form of `place_of_error`. `root` is the code of our function that runs the
    user's module.
    """
    frames = list(_outward(frame, root))
    return _place(frames, ((f.f_code.co_filename, f.f_lineno) for f in frames), names)


def _outward(frame: FrameType | None, root: CodeType) -> Iterator[FrameType]:
    while frame is not None and frame.f_code is not root:
        yield frame
        frame = frame.f_back


def _place(frames: Iterable[FrameType], lines: Iterable[tuple[str, int]], names: Names) -> str:
    """Return the first module and the user's first line; frames are ordered innermost first."""
    owners = (frame.f_locals.get("self") for frame in frames)
    owner = next((o for o in owners if isinstance(o, nn.Module) and id(o) in names), None)
    written = [(file, line) for file, line in lines if _is_foreign(file)]
    own = [(file, line) for file, line in written if not any(part in file for part in _INSTALLED)]
    found = [f"{file}:{line}" for file, line in (own or written)[:1]]
    if owner is not None and names[id(owner)]:
        found.insert(0, f"{names[id(owner)]} ({type(owner).__name__})")
    return ", ".join(found)


def _is_foreign(file: str) -> bool:
    """Return True if a file belongs to the user or their libraries, not to torch, Python or us."""
    if file.startswith("<"):
        return file.startswith(_TYPED)
    if any(part in file for part in _INSTALLED):
        return not file.startswith((_TORCH, _OWN))
    return not file.startswith((_TORCH, _OWN, *_LIBRARIES))
