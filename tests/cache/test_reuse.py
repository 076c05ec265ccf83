"""A compilation uses of earlier ones only results that are certainly the same."""

import os

import pytest
import torch
from torch import nn

from hvit_edge.cache import reuse as reuse_module
from hvit_edge.cache.entry import Entry
from hvit_edge.cache.reuse import Reuse, arrays_digest
from hvit_edge.cache.store import Store
from hvit_edge.lowering import NATIVE_PIPELINE, export_graph

EXAMPLE = (torch.randn(1, 3, 8, 8),)


def trusted() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Hardswish()).eval()


class Own(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return self.inner(x)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path, 10**7)


@pytest.fixture
def exports():
    """Count the calls of `export_graph`."""
    calls = []

    def export(module, inputs):
        calls.append(module)
        return export_graph(module, inputs)

    export.calls = calls
    return export


def outputs(graph) -> torch.Tensor:
    with torch.no_grad():
        found = graph(*EXAMPLE)
    return found[0] if isinstance(found, tuple | list) else found


def test_an_export_is_used_by_another_compilation(store, exports):
    Reuse(store).exported(trusted(), EXAMPLE, exports)
    later, module = Reuse(store), trusted()
    graph = later.exported(module, EXAMPLE, exports)
    assert len(exports.calls) == 1 and later.reused == ["exported graph"]
    assert torch.equal(outputs(graph), outputs(module))
    assert graph.get_parameter("0.weight") is module[0].weight, "weights are not stored twice"
    Reuse(store).exported(module, (torch.randn(1, 3, 9, 9),), exports)
    assert len(exports.calls) == 2
    module[0].bias.data += 1
    assert torch.equal(outputs(Reuse(store).exported(module, EXAMPLE, exports)), outputs(module))
    assert len(exports.calls) == 3


def test_a_module_of_the_user_is_shared_in_memory_alone(store, exports):
    module, several = Own(trusted()).eval(), Reuse(store, several=True)
    first, second = (several.exported(module, EXAMPLE, exports) for _ in range(2))
    assert len(exports.calls) == 1 and several.reused == ["exported graph"]
    assert first is not second and torch.equal(outputs(first), outputs(second))
    Reuse(store).exported(module, EXAMPLE, exports)
    assert len(exports.calls) == 2 and store.files() == []


def test_a_rewritten_graph_is_used_if_the_exported_one_is_equal(store, exports):
    counts = []
    for module in (Own(trusted()), Own(trusted()), Own(nn.Sequential(trusted(), nn.ReLU()))):
        compilation = Reuse(store)
        graph = compilation.exported(module.eval(), EXAMPLE, export_graph)
        found, left_out = compilation.rewritten(graph, NATIVE_PIPELINE, lambda graph: "")
        assert left_out == []
        assert torch.allclose(outputs(found), outputs(module), atol=1e-6)
        counts.append(compilation.reused)
    assert counts == [[], ["rewritten graph"], []]


def test_a_kept_graph_that_fails_the_check_is_not_used(store):
    module, checks = trusted(), []

    def check(graph):
        checks.append(graph)
        return "" if len(checks) != 2 else "another answer"

    for _ in range(2):
        compilation = Reuse(store)
        graph = compilation.exported(module, EXAMPLE, export_graph)
        found, _ = compilation.rewritten(graph, NATIVE_PIPELINE, check)
        assert "rewritten graph" not in compilation.reused
    assert len(checks) == 3 and found is graph


def half(graph):
    raise IndexError("a case that it does not handle")


def test_rewrites_of_others_and_those_left_out_are_not_kept(store, monkeypatch):
    graph = export_graph(trusted(), EXAMPLE)
    _, left_out = Reuse(store).rewritten(graph, (*NATIVE_PIPELINE, half), lambda graph: "")
    assert [report.name for report in left_out] == ["half"]
    assert store.files() == []
    monkeypatch.setattr(half, "__module__", "hvit_edge.lowering.half")
    Reuse(store).rewritten(graph, (*NATIVE_PIPELINE, half), lambda graph: "")
    assert store.files() == []


@pytest.mark.parametrize("what", ["sources", "torch", "threads", "cpu"])
def test_another_version_has_other_keys(store, monkeypatch, what):
    before = Reuse(store).key("a")
    known = reuse_module.versions()
    assert what in known and Reuse(store).key("a") == before
    monkeypatch.setattr(reuse_module, "versions", lambda: {**known, what: "another"})
    assert Reuse(store).key("a") not in (None, before)


def test_a_sealed_file_of_another_meaning_is_discarded(store, exports):
    Reuse(store).exported(trusted(), EXAMPLE, exports)
    (file,) = store.files()
    key = file.path.stem.partition("-")[2]
    for wrong in (b"", b"\0" * 20, Entry({"nodes": []}).to_bytes()):
        store.write("exported", key, wrong)
        with pytest.warns(UserWarning, match="damaged; its content is made again"):
            graph = Reuse(store).exported(trusted(), EXAMPLE, exports)
        assert torch.equal(outputs(graph), outputs(trusted()))
        assert os.listdir(store.folder) == [file.path.name], "it was made again"
    assert len(exports.calls) == 4


def test_only_several_compilations_keep_an_export_in_memory(exports, monkeypatch):
    packed, module = [], trusted()
    pack = reuse_module.pack
    monkeypatch.setattr(reuse_module, "pack", lambda *args: packed.append(args) or pack(*args))
    single, several = Reuse(), Reuse(several=True)
    graph = single.exported(module, EXAMPLE, exports)
    single.rewritten(graph, NATIVE_PIPELINE, lambda graph: "")
    assert packed == []
    first = several.exported(module, EXAMPLE, exports)
    second = several.exported(module, EXAMPLE, exports)
    assert len(packed) == 1 and len(exports.calls) == 2
    assert several.reused == ["exported graph"]
    assert first is not second and torch.equal(outputs(first), outputs(second))


def test_without_a_store_nothing_is_kept(exports):
    nothing = Reuse()
    graph = nothing.exported(trusted(), EXAMPLE, exports)
    nothing.rewritten(graph, NATIVE_PIPELINE, lambda graph: "")
    assert nothing.key("a") is None and nothing.graph_digest(graph) is None
    assert nothing.read("rounded", "a", lambda entry: entry) is None


def test_the_digest_of_arrays_depends_on_elements_shapes_dtypes_and_order():
    a = torch.arange(6.0).numpy()
    digests = [
        arrays_digest(samples)
        for samples in (
            [a, a + 1],
            [a + 1, a],
            [(a, a + 1)],
            [a.reshape(2, 3), a + 1],
            [a.astype("float64"), a + 1],
            [a],
        )
    ]
    assert len(set(digests)) == 6
    assert arrays_digest([a.copy(), a + 1]) == digests[0]
    assert arrays_digest([a.reshape(3, 2).T.reshape(6)]) != digests[5]
