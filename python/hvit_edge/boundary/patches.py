"""Replace attributes of other libraries where they meet this package; no other file of it does.

The libraries are imported when a patch is used, because programs run without them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hvit_edge.boundary.patched_version import EXECUTORCH, optional
from hvit_edge.boundary.replaced import replaced


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


def autocast_entered_by(wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Let `torch.autocast` be entered by what `wrap` returns for the original, from now on.

    Entering is Python's protocol of blocks, so this holds for any version of PyTorch. `wrap`
    checks the version before it changes a block.
    """
    from torch.amp.autocast_mode import autocast

    autocast.__enter__ = wrap(autocast.__enter__)  # type: ignore[method-assign]
