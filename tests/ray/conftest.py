"""A Ray cluster of several nodes on this machine, of one core each."""

import os
import time
from types import SimpleNamespace

import pytest

FAST = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 500}
"""Let the cluster see soon that a node is lost."""


@pytest.fixture(scope="package")
def nodes():
    """A cluster of two nodes; `add()` adds another one, and `kill(node)` kills it."""
    ray = pytest.importorskip("ray")
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
    from ray.cluster_utils import Cluster

    one = {"num_cpus": 1, "object_store_memory": 80 * 2**20}
    cluster = Cluster()
    cluster.add_node(**one, include_dashboard=False, _system_config=FAST)
    cluster.add_node(**one)

    def add():
        node = cluster.add_node(**one)
        cluster.wait_for_nodes()
        return node

    def kill(node):
        """Kill a node, and wait until the cluster has noticed it."""
        before = alive()
        cluster.remove_node(node, allow_graceful=False)
        while alive() == before:
            time.sleep(0.05)

    def alive():
        return sum(node["Alive"] for node in ray.nodes())

    yield SimpleNamespace(address=cluster.address, add=add, kill=kill)
    cluster.shutdown()


@pytest.fixture
def connected(nodes):
    """`(workers=2) -> Cluster`, closed after the test."""
    from hvit_edge.ray.cluster import Cluster

    opened = []

    def connect(workers=2):
        opened.append(Cluster(nodes.address, workers=workers))
        return opened[-1]

    yield connect
    for cluster in opened:
        cluster.close()
