"""Patches of every lowering, if another version of a library is installed."""

import pytest
from executorch.exir._serialize import _dataclass
from executorch.exir.lowered_backend_module import LoweredBackendModule
from executorch.exir.pass_base import _ExportPassBase
from torch.fx import GraphModule
from torch.fx.traceback import NodeSource

from hvit_edge.boundary import patched_version
from hvit_edge.targets.patches import fast_passes, fast_serialization


def attributes():
    """Return everything that the patches replace."""
    return (
        GraphModule.recompile,
        GraphModule.print_readable,
        NodeSource.__dict__.get("__deepcopy__"),
        _ExportPassBase.call,
        LoweredBackendModule.original_module,
        _dataclass.get_type_hints,
    )


@pytest.fixture
def another_version(monkeypatch):
    monkeypatch.setattr(patched_version, "installed", lambda package: "9.9.9")
    monkeypatch.setattr(patched_version, "_noticed", set())


def test_everything_is_replaced_in_the_blocks_alone():
    before = attributes()
    with fast_passes(), fast_serialization():
        assert all(now is not then for now, then in zip(attributes(), before, strict=True))
    assert attributes() == before


def test_another_version_is_left_as_it_is_with_one_notice_a_library(another_version):
    before = attributes()
    with pytest.warns(UserWarning, match=r"\[patches\] expected .* got 9.9.9") as caught:
        for _ in range(2):
            with fast_passes(), fast_serialization():
                assert attributes() == before
    named = [str(warning.message).split()[2:4] for warning in caught]
    assert sorted(named) == [["executorch", "1.5.1,"], ["torch", "2.13.0,"]]
