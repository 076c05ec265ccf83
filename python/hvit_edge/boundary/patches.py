"""Replace attributes of other libraries for the package `boundary`; no other file of it does.

The libraries are imported when a patch is used, because programs run without them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from hvit_edge.boundary.patched_version import EXECUTORCH, optional
from hvit_edge.boundary.replaced import replaced
from hvit_edge.boundary.stand_ins import with_functions

TRAINING = "torch.export._remove_auto_functionalized_pass"
TORCHAO = "torchao"
PT2E = f"{TORCHAO}.quantization.pt2e"


@optional(EXECUTORCH)
@contextmanager
def yaml_parser(make: Callable[[type], type]) -> Iterator[None]:
    """Let `ruamel.yaml.YAML` be what `make` returns for the original, while ExecuTorch reads it."""
    try:
        import ruamel.yaml
    except ImportError:
        yield
        return
    with replaced(ruamel.yaml, YAML=make(ruamel.yaml.YAML)):
        yield


@optional(EXECUTORCH)
@contextmanager
def light_compiler(remove: Callable[[Any], Any]) -> Iterator[None]:
    """Let ExecuTorch's compiler be imported in this block without PyTorch's own and torchao.

    Args:
        remove: takes the place of `unsafe_remove_auto_functionalized_pass`.
    """
    training: Any = ModuleType(TRAINING)
    training.unsafe_remove_auto_functionalized_pass = remove
    found: dict[str, ModuleType | None] = {TRAINING: training}
    if TORCHAO not in sys.modules:
        found[TORCHAO] = None  # ExecuTorch leaves its operators out of two lists then
        found |= {name: ModuleType(name) for name in (f"{TORCHAO}.quantization", PT2E)}
        utils = with_functions(f"{PT2E}.utils", "_is_conv_node", "_is_conv_transpose_node")
        found[utils.__name__] = utils
    with standing_in(found):
        yield


@contextmanager
def standing_in(modules: Mapping[str, ModuleType | None]) -> Iterator[None]:
    """Let modules take the place of others in this block, unless these are imported already.

    Args:
        modules: the stand-ins by name; None makes an import fail.
    """
    used = {name: module for name, module in modules.items() if name not in sys.modules}
    sys.modules.update(used)  # type: ignore[arg-type]  # None is allowed
    try:
        yield
    finally:
        for name, module in used.items():
            if name in sys.modules and sys.modules[name] is module:
                del sys.modules[name]


def autocast_entered_by(wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Let `torch.autocast` be entered by what `wrap` returns for the original, from now on.

    Entering is Python's protocol of blocks, so this holds for any version of PyTorch. `wrap`
    checks the version before it changes a block.
    """
    from torch.amp.autocast_mode import autocast

    autocast.__enter__ = wrap(autocast.__enter__)  # type: ignore[method-assign]
