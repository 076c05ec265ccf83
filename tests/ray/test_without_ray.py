"""What is said without the package ray."""

import sys

import pytest

from hvit_edge.errors import MissingPackageError
from hvit_edge.ray.cluster import Cluster


def test_the_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'hvit-edge\[ray\]'"):
        Cluster()
