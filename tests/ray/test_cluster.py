"""Calls spread over the nodes of a cluster, and workers and nodes that are lost."""

import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from hvit_edge.errors import DeviceError, InputError
from hvit_edge.ray.cluster import Cluster, Losses

pytestmark = pytest.mark.slow


@dataclass
class Together:
    """Makes a function that answers after `count` processes were called."""

    count: int
    folder: Path

    def __call__(self):
        def call(number):
            (self.folder / str(os.getpid())).touch()
            while len(list(self.folder.iterdir())) < self.count:
                time.sleep(0.01)
            return number**2

        return call


def refusing():
    def call(number):
        if number % 3 == 2:
            raise InputError(f"[test] expected another number, got {number}; try again")
        return number

    return call


def unusable():
    raise InputError("[test] expected an artifact, got none; name one")


def failing():
    return lambda number: 1 / number


@dataclass
class Ending:
    """Makes a function that ends its process at `item`, the first `times` times."""

    item: int
    times: int
    folder: Path

    def __call__(self):
        def call(number):
            if number == self.item and len(list(self.folder.iterdir())) < self.times:
                (self.folder / str(os.getpid())).touch()
                os._exit(1)
            return number

        return call


def gated(folder):
    """Make a function that waits for the file "go", after the file of its process was written."""

    def make():
        def call(number):
            (folder / str(os.getpid())).touch()
            while not (folder / "go").exists():
                time.sleep(0.01)
            return number

        return call

    return make


def test_results_come_in_order_from_several_processes(connected, tmp_path):
    cluster = connected()
    results = list(cluster.map(Together(2, tmp_path), range(40)))
    assert results == [number**2 for number in range(40)]
    assert str(os.getpid()) not in {path.name for path in tmp_path.iterdir()}
    assert (cluster.workers, cluster.nodes, cluster.losses) == (2, 2, Losses())


def test_nothing_to_do(connected):
    assert list(connected().map(failing, [])) == []


def test_the_first_error_of_a_call_is_raised_after_the_results_before_it(connected):
    running = connected().map(refusing, range(9))
    assert [next(running), next(running)] == [0, 1]
    with pytest.raises(InputError, match=r"^\[test\] expected another number, got 2; try again$"):
        next(running)


def test_an_error_of_a_worker_that_cannot_begin_is_raised(connected):
    with pytest.raises(InputError, match="expected an artifact, got none"):
        list(connected().map(unusable, range(3)))


def test_a_bug_keeps_its_type(connected):
    with pytest.raises(ZeroDivisionError):
        list(connected().map(failing, [0]))


def test_what_cannot_be_pickled_is_refused(connected):
    lock = threading.Lock()
    with pytest.raises(InputError, match="cannot be pickled"):
        list(connected().map(lambda: lock, range(3)))


def test_a_worker_that_ends_is_replaced_and_counted(connected, tmp_path):
    cluster = connected()
    assert list(cluster.map(Ending(5, 1, tmp_path), range(20))) == list(range(20))
    assert (cluster.losses.workers, cluster.losses.nodes) == (1, 0)
    assert 1 <= cluster.losses.calls <= 2
    assert str(cluster.losses).startswith("lost 1 worker and 0 nodes; ")


def test_a_call_that_ends_every_worker_is_named(connected, tmp_path):
    names = [f"images {number}" for number in range(4)]
    with pytest.raises(DeviceError, match=r"images 2: expected a result, got 3 workers that ended"):
        list(connected().map(Ending(2, 99, tmp_path), range(4), names))


def test_a_node_that_is_killed_changes_no_result(nodes, connected, tmp_path):
    node = nodes.add()
    cluster = connected(workers=3)
    assert cluster.nodes == 3

    def kill_when_all_are_busy():
        while len(list(tmp_path.iterdir())) < 3:
            time.sleep(0.01)
        nodes.kill(node)
        (tmp_path / "go").touch()

    killer = threading.Thread(target=kill_when_all_are_busy)
    killer.start()
    assert list(cluster.map(gated(tmp_path), range(30))) == list(range(30))
    killer.join()
    assert cluster.losses.nodes == 1
    assert cluster.losses.workers >= 1  # one that replaces it may start on the lost node, too


def test_too_many_workers_are_refused(nodes):
    with pytest.raises(InputError, match="expected 50 workers with 1 core each, got a cluster"):
        Cluster(nodes.address, workers=50)
    with pytest.raises(InputError, match="expected 1 workers with 64 cores each"):
        Cluster(nodes.address, cores=64)
    with pytest.raises(InputError, match="workers: expected a whole number of at least 1, got 0"):
        Cluster(nodes.address, workers=0)


def test_a_cluster_that_is_not_there_is_named():
    pytest.importorskip("ray")
    with pytest.raises(DeviceError, match="expected a Ray cluster at 127.0.0.1:1, got Connection"):
        Cluster("127.0.0.1:1")
