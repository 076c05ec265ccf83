import pytest

from hvit_edge.errors import LoweringError
from hvit_edge.targets import patched_version
from hvit_edge.targets.patched_version import check_patched_version


@pytest.mark.parametrize("installed", ["2.13.0", "2.13.0+cpu"])
def test_the_version_that_was_patched(monkeypatch, installed):
    monkeypatch.setattr(patched_version, "version", lambda package: installed)
    check_patched_version("torch", "2.13.0")


def test_another_version_is_refused_with_the_command_that_installs_the_right_one(monkeypatch):
    monkeypatch.setattr(patched_version, "version", lambda package: "2.14.1")
    with pytest.raises(LoweringError, match=r"expected torch 2.13.0, .* got 2.14.1; pip install"):
        check_patched_version("torch", "2.13.0")
