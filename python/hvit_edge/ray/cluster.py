"""Spread calls over the workers of a Ray cluster, and survive workers and nodes that are lost.

A worker is an actor with a function of its own. Each call goes to a free worker. If a worker is
lost, another one starts and its calls are repeated, so that no result is missing. Results are
returned in the order of the calls, whichever worker is first.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from hvit_edge.errors import (
    DeviceError,
    InputError,
    MissingPackageError,
    first_line,
)
from hvit_edge.ray.pool import Pool
from hvit_edge.ray.worker import Make

LOCAL = "local"
"""The address of a cluster of its own, which starts and ends with `Cluster`."""
CONNECT_SECONDS = 10
"""How long to wait for the port of a cluster."""


@dataclass
class Losses:
    """Holds how many workers and nodes were lost, and how many calls were repeated."""

    workers: int = 0
    nodes: int = 0
    calls: int = 0

    def __str__(self) -> str:
        return (
            f"lost {_counted(self.workers, 'worker')} and {_counted(self.nodes, 'node')};"
            f" {_counted(self.calls, 'batch', 'batches')} ran again"
        )


class Cluster:
    """Connects to a Ray cluster; on exit its workers end, and a local cluster with them.

    Attributes:
        workers: number of workers.
        cores: cores, and so threads, of each of them.
        nodes: number of nodes at the start.
        losses: what was lost so far.
        done: number of images that were answered, as evaluations count them.

    Args:
        address: address of a running cluster, such as `auto` or `HOST:6379`; "local" starts
            one on this machine.
        workers: number of workers; None for one per `cores` cores of the cluster.
        cores: cores of a worker.

    Raises:
        MissingPackageError: ray is not installed.
        DeviceError: the cluster cannot be reached.
        InputError: a number is below 1, or the cluster has fewer cores than a worker needs.
    """

    def __init__(self, address: str = LOCAL, *, workers: int | None = None, cores: int = 1) -> None:
        for name, number in (("workers", workers), ("cores", cores)):
            if number is not None and number < 1:
                raise InputError(
                    f"[ray] {name}: expected a whole number of at least 1, got {number}"
                )
        self.cores, self.losses, self.done = cores, Losses(), 0
        self._owned = _connect(address)
        try:
            self._known = self._alive()
            self.workers = self._check_room(workers)
        except BaseException:
            self.close()
            raise
        self.nodes = len(self._known)

    def __enter__(self) -> Cluster:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Disconnect; a local cluster ends."""
        if self._owned:
            import ray

            ray.shutdown()
            self._owned = False

    def map(self, make: Make, items: Sequence[Any], names: Sequence[str] = ()) -> Iterator[Any]:
        """Call a function with each item, and yield the results in the order of the items.

        Args:
            make: makes the function inside of each worker.
            items: the arguments of the calls.
            names: what each item is called in messages; its position by default.

        Raises (while iterating):
            HvitEdgeError: `make` or a call raised it; of several, the one of the first item.
            DeviceError: the cluster was lost or has no core left, or an item ended several workers.
            InputError: `make` cannot be pickled.
        """
        with self.open(make, most=len(items)) as pool:
            yield from pool.map(items, names)

    @contextmanager
    def open(self, make: Make, most: int | None = None) -> Iterator[Pool]:
        """Start workers whose `map` may be called several times; on exit they end.

        Args:
            make: see `map`.
            most: start at most this many.

        Raises:
            DeviceError, InputError: see `map`.
        """
        from ray.exceptions import RayError, RayTaskError

        count = self.workers if most is None else min(self.workers, most)
        pool = Pool(make, count=count, cores=self.cores)
        try:
            yield pool
        except RayTaskError:
            raise
        except RayError as error:
            raise DeviceError(
                f"[ray] expected the cluster to answer, got {first_line(error)}; start it again"
            ) from error
        finally:
            pool.end()
            self.losses.workers += pool.lost_workers
            self.losses.calls += pool.repeated
            self.losses.nodes = len(self._known - self._alive())

    def _alive(self) -> set[str]:
        import ray

        return {node["NodeID"] for node in ray.nodes() if node["Alive"]}

    def _check_room(self, workers: int | None) -> int:
        import ray

        cores = int(ray.cluster_resources().get("CPU", 0))
        most = cores // self.cores
        if most < (workers or 1):
            raise InputError(
                f"[ray] expected {workers or 1} workers with {_counted(self.cores, 'core')} each,"
                f" got a cluster with {_counted(cores, 'core')}; lower --workers N (workers=) or"
                " --threads N (threads=)"
            )
        return workers or most


def _connect(address: str) -> bool:
    """Connect to a cluster, and return True if this call did.

    Raises:
        MissingPackageError: ray is not installed.
        DeviceError: the cluster cannot be reached.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ImportError as error:
        raise MissingPackageError(
            "[ray] expected ray, which runs workers on several machines, got no such package;"
            " pip install 'hvit-edge[ray]'",
            name="ray",
        ) from error
    if ray.is_initialized():
        return False
    _check_reachable(address)
    own = {"num_cpus": os.cpu_count(), "include_dashboard": False} if address == LOCAL else {}
    try:
        ray.init(address, log_to_driver=False, logging_level="ERROR", **own)
    except Exception as error:  # Ray raises any, also a bare one if a node starts too slowly
        raise _unreachable(address, error) from error
    return True


def _check_reachable(address: str) -> None:
    """Raise DeviceError if nothing answers at HOST:PORT; Ray itself would try for minutes."""
    host, colon, port = address.rpartition(":")
    if not colon or "/" in host or not port.isdecimal():
        return
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise _unreachable(address, error) from error


def _unreachable(address: str, error: Exception) -> DeviceError:
    if address == LOCAL:
        return DeviceError(
            f"[ray] expected a Ray cluster that starts on this machine, got {first_line(error)};"
            " try again when it is less busy, or leave out --on ray"
        )
    return DeviceError(
        f"[ray] expected a Ray cluster at {address}, got {first_line(error)}; start one with"
        " `ray start --head`, or leave out --ray-address ADDRESS (address=)"
    )


def _counted(number: int, one: str, several: str = "") -> str:
    return f"1 {one}" if number == 1 else f"{number} {several or f'{one}s'}"
