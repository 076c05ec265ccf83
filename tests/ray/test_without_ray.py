"""What is said without the package ray."""

import sys
from types import SimpleNamespace

import pytest

from hvit_edge.errors import DeviceError, MissingPackageError
from hvit_edge.ray.cluster import Cluster


def test_the_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'hvit-edge\[ray\]'"):
        Cluster()


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("local", "expected a Ray cluster that starts on this machine, got Exception: timed out"),
        ("auto", "expected a Ray cluster at auto, got Exception: timed out; start one with"),
    ],
)
def test_a_cluster_that_does_not_start_is_a_device_error(monkeypatch, address, message):
    """Ray raises a bare Exception if a node takes longer than half a minute."""

    def init(*_, **__):
        raise Exception("timed out")

    ray = SimpleNamespace(is_initialized=lambda: False, init=init)
    monkeypatch.setitem(sys.modules, "ray", ray)
    with pytest.raises(DeviceError, match=message):
        Cluster(address)
