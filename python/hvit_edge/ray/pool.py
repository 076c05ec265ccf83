"""Give calls to workers, and replace workers that are lost."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

from hvit_edge import __version__
from hvit_edge.errors import DeviceError, InputError, first_line
from hvit_edge.ray.calls import MOST_TRIES, Calls
from hvit_edge.ray.worker import Answer, Make, Worker

WAIT_SECONDS = 2.0
"""Time after which it is checked whether the cluster still has a core."""
AHEAD = 2
"""Number of calls that a worker has: the one that it runs, and those that wait in it."""


class Pool:
    """Has workers that share one function; see `Cluster.open`.

    Attributes:
        lost_workers: number of workers that were lost.
        repeated: number of calls that they had.

    Args:
        make: see `Cluster.map`.
        count: number of workers.
        cores: cores of each.

    Raises:
        InputError: `make` cannot be pickled.
    """

    def __init__(self, make: Make, *, count: int, cores: int) -> None:
        self.lost_workers, self.repeated = 0, 0
        self._calls, self._cores = Calls(0), cores
        self._items: Sequence[Any] = ()
        self._actor = _actor_class(cores)
        self._make = _shared(make)
        self._actors: set[Any] = set()
        self._starting: dict[Any, Any] = {}
        self._running: dict[Any, tuple[Any, int]] = {}
        self._failed_starts = 0
        for _ in range(count):
            self._start()

    def map(self, items: Sequence[Any], names: Sequence[str] = ()) -> Iterator[Any]:
        """Yield the results of calls in the order of the items; one map at a time.

        Args:
            items, names: see `Cluster.map`.

        Raises (while iterating):
            HvitEdgeError, DeviceError: see `Cluster.map`.
        """
        self._calls, self._items = Calls(len(items), names), items
        self._running = {}  # a map that was left may still have calls
        for actor in self._actors - set(self._starting.values()):
            self._feed(actor)
        while not self._calls.finished:
            self._step()
            yield from self._calls.ready()

    def end(self) -> None:
        """End all workers."""
        import ray

        for actor in self._actors:
            ray.kill(actor)

    def _start(self) -> None:
        actor = self._actor.remote()
        self._actors.add(actor)
        self._starting[actor.prepare.remote(self._make, os.getcwd(), __version__)] = actor

    def _step(self) -> None:
        """Wait for one answer, and give its worker the next call."""
        import ray

        waiting = [*self._running, *self._starting]
        done, _ = ray.wait(waiting, num_returns=1, timeout=WAIT_SECONDS)
        if not done and not self._running:
            self._check_room()
        for future in done:
            if future in self._starting:
                self._prepared(future)
            elif future in self._running:
                self._answered(future)

    def _prepared(self, future: Any) -> None:
        actor = self._starting.pop(future)
        answer = self._answer(actor, future)
        if answer is not None:
            answer.result()
            self._failed_starts = 0
            self._feed(actor)
            return
        self._failed_starts += 1
        if self._failed_starts >= MOST_TRIES:
            raise DeviceError(
                f"[ray] expected a worker that starts, got {MOST_TRIES} that ended first; look for"
                " the reason in the logs of Ray, such as too little memory"
            )

    def _answered(self, future: Any) -> None:
        actor, number = self._running[future]
        answer = self._answer(actor, future)
        if answer is not None:
            del self._running[future]
            self._calls.done(number, answer.result)
            self._feed(actor)

    def _feed(self, actor: Any) -> None:
        """Give a worker as many calls as it may have."""
        held = sum(owner == actor for owner, _ in self._running.values())
        for _ in range(AHEAD - held):
            number = self._calls.next()
            if number is not None:
                self._running[actor.run.remote(self._items[number])] = (actor, number)

    def _answer(self, actor: Any, future: Any) -> Answer | None:
        """Return an answer; None if its worker is lost, for which another one starts."""
        import ray
        from ray.exceptions import RayError, RayTaskError

        try:
            answer: Answer = ray.get(future)
        except RayTaskError:
            raise  # a bug, with the trace of the worker
        except RayError:
            self._lose(actor)
            return None
        return answer

    def _lose(self, actor: Any) -> None:
        """Repeat the calls of a worker elsewhere, and start another one."""
        import ray

        ray.kill(actor)
        self._actors.discard(actor)
        lost = {future: call for future, (owner, call) in self._running.items() if owner == actor}
        for future in lost:
            del self._running[future]
        for place, number in enumerate(sorted(lost.values())):
            # The first one ran, and may be the reason; the others waited.
            (self._calls.failed if place == 0 else self._calls.again)(number)
        self.lost_workers += 1
        self.repeated += len(lost)
        self._start()
        for idle in self._actors - set(self._starting.values()):
            self._feed(idle)  # there may be no core for another worker

    def _check_room(self) -> None:
        """Raise DeviceError if the cluster does not have the cores of a worker, free or not."""
        import ray

        if ray.cluster_resources().get("CPU", 0) < self._cores:
            raise DeviceError(
                "[ray] expected a cluster with the cores of at least one worker, got none after"
                " nodes were lost; start them again"
            )


def _actor_class(cores: int) -> Any:
    import ray

    options = {"num_cpus": cores, "max_restarts": 0, "scheduling_strategy": "SPREAD"}
    return ray.remote(**options)(Worker)


def _shared(make: Make) -> Any:
    """Return a reference to `make`, which each node reads once."""
    import ray

    try:
        return ray.put(make)
    except (TypeError, AttributeError, ValueError) as error:
        raise InputError(
            f"[ray] expected a module that can be sent to other machines, got one that cannot be"
            f" pickled ({first_line(error)}); leave out --on ray"
        ) from error
