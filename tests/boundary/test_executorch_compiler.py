"""The quick import of ExecuTorch's compiler, compared with the plain one."""

import subprocess
import sys
from importlib import resources

import pytest
import ruamel.yaml

from hvit_edge.boundary import executorch_compiler, patched_version
from hvit_edge.boundary.executorch_compiler import import_compiler, read_by_libyaml

IMPORT = """
import sys
import ruamel.yaml
from hvit_edge.boundary.executorch_compiler import import_compiler

original = ruamel.yaml.YAML
def refuse(*args, **options):
    raise AssertionError("parsed by ruamel.yaml")
original.load = refuse
import_compiler()
from executorch.exir.dialects.edge import _ops
print(len(_ops._edge_dialect_info), ruamel.yaml.YAML is original, _ops.YAML is not original)
"""


def kinds(value: object) -> object:
    """The types of a nested value."""
    if isinstance(value, dict):
        return {key: (type(key), kinds(item)) for key, item in value.items()}
    return [kinds(item) for item in value] if isinstance(value, list) else type(value)


@pytest.mark.slow
def test_both_parsers_read_the_same_table():
    files = resources.files("executorch").joinpath("exir/dialects/edge/edge.yaml")
    text = files.read_text(encoding="utf-8")
    expected = ruamel.yaml.YAML(typ="safe").load(text)
    with read_by_libyaml():
        table = ruamel.yaml.YAML(typ="safe").load(text)
    assert table == expected
    assert kinds(table) == kinds(expected)


def test_only_that_import_is_changed():
    done = subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    count, restored, replaced = done.stdout.split()
    assert int(count) > 100
    assert (restored, replaced) == ("True", "True")


def test_other_kinds_of_parsers_are_the_original():
    original = ruamel.yaml.YAML
    with read_by_libyaml():
        assert ruamel.yaml.YAML(typ="rt").load("a: 1  # note\n").ca  # has the comment
    assert ruamel.yaml.YAML is original


def test_another_version_is_imported_as_it_is(monkeypatch):
    imported = []
    monkeypatch.delitem(sys.modules, "executorch.exir", raising=False)
    monkeypatch.setattr(patched_version, "installed", lambda package: "1.6.0")
    monkeypatch.setattr(patched_version, "_noticed", set())
    monkeypatch.setattr(
        executorch_compiler.importlib,
        "import_module",
        lambda name: imported.append((name, ruamel.yaml.YAML.__module__)),
    )
    with pytest.warns(UserWarning, match=r"\[patches\] expected executorch 1.5.1, .* got 1.6.0"):
        import_compiler()
    assert imported == [("executorch.exir", "ruamel.yaml.main")]
