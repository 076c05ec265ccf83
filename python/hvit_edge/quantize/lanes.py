"""Work on several inputs at a time, one after the other in each lane.

The operators of a network on one photo are too small to keep several cores busy: two photos at a
time, each on its half of the cores, take less time than one after the other. Input i belongs to
lane `i % LANES` on every machine, and each lane works on its inputs in order, so what a lane adds
up does not depend on the number of cores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import TypeVar

import torch

from hvit_edge.progress import Wrap, silent

Item = TypeVar("Item")
Result = TypeVar("Result")
LANES = 2


def in_lanes(
    work: Callable[[int, Item], Result], items: Sequence[Item], progress: Wrap = silent
) -> list[Result]:
    """Return `work(lane, item)` for each item, in order.

    With two cores or more, the lanes run at the same time. An error of `work` ends all lanes.

    Args:
        work: called in the thread of a lane. What it changes must belong to its lane.
        items: the items, of which item i belongs to lane `i % LANES`.
        progress: wraps the loop over the items.
    """
    threads = torch.get_num_threads()
    if threads < LANES or len(items) < LANES:
        return [work(i % LANES, item) for i, item in enumerate(progress(items, len(items)))]
    found: list[Future[Result]] = []
    with _threads(threads // LANES), ExitStack() as stack:
        lanes = [stack.enter_context(ThreadPoolExecutor(1)) for _ in range(LANES)]
        for index, item in enumerate(progress(items, len(items))):
            if index >= LANES:
                found[index - LANES].result()
            found.append(lanes[index % LANES].submit(work, index % LANES, item))
        return [future.result() for future in found]


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Let each operator of PyTorch use this number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
