"""Return memory that is free to the system, so that the next step of a compilation has it."""

from __future__ import annotations

import ctypes
import gc
import os


def free_memory() -> None:
    """Delete unreachable objects, and return free memory to the system if the C library can.

    Graphs of PyTorch refer to their nodes and these to their graph, so they stay until the next
    collection. glibc keeps the memory of deleted tensors for later ones of the same size.
    """
    gc.collect()
    if os.name != "posix":
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
