"""Which binding to the C++ runtime is used, and the reason that `doctor` shows."""

import importlib.metadata
import subprocess
import sys
from types import ModuleType

import pytest

from hvit_edge.errors import InputError, MissingPackageError
from hvit_edge.runtime import binding

FULL, SMALL = ModuleType("hvit_edge._runtime"), ModuleType("hvit_edge._runtime_small")
NO_LIBRARY = ImportError("libexecutorch.so: cannot open shared object file")
NO_MODULE = ModuleNotFoundError("No module named 'hvit_edge._runtime_small'")


@pytest.fixture
def choose(monkeypatch):
    """`(full, small, executorch, variable) -> Binding`; a binding that is an error is raised."""

    def chosen(full, small, executorch, variable=""):
        modules = {"hvit_edge._runtime": full, "hvit_edge._runtime_small": small}

        def load(name):
            if isinstance(modules[name], ImportError):
                raise modules[name]
            return modules[name]

        def version(name):
            if executorch is None:
                raise importlib.metadata.PackageNotFoundError(name)
            return executorch

        monkeypatch.setenv(binding.VARIABLE, variable)
        monkeypatch.setattr(binding, "import_module", load)
        monkeypatch.setattr(importlib.metadata, "version", version)
        return binding.load_binding()

    return chosen


@pytest.mark.parametrize(
    ("given", "kind", "reason"),
    [
        ((FULL, SMALL, "1.5.1"), "full", "it loads"),
        ((FULL, NO_MODULE, "1.5.1+cpu"), "full", "it loads"),
        ((FULL, SMALL, None), "full", "it loads"),  # ExecuTorch without metadata
        ((NO_LIBRARY, SMALL, None), "small", "ExecuTorch is not installed"),
        (
            (FULL, SMALL, "1.4.0"),
            "small",
            "ExecuTorch 1.4.0 is installed, and the full one needs 1.5.1",
        ),
        (
            (NO_LIBRARY, SMALL, "1.5.1"),
            "small",
            "the full one does not load (ImportError: libexecutorch.so: cannot open shared object"
            " file)",
        ),
        ((FULL, SMALL, "1.5.1", "small"), "small", "HVIT_EDGE_RUNTIME names it"),
        ((FULL, SMALL, "1.4.0", "full"), "full", "HVIT_EDGE_RUNTIME names it"),
    ],
)
def test_choice(choose, given, kind, reason):
    found = choose(*given)
    assert (found.kind, found.reason) == (kind, reason)
    assert found.module is {"full": FULL, "small": SMALL}[kind]


def test_a_named_binding_is_not_replaced(choose):
    with pytest.raises(MissingPackageError, match="expected the full runtime to load, got .*torch"):
        choose(NO_LIBRARY, SMALL, None, "full")


def test_another_name_is_refused(choose):
    with pytest.raises(InputError, match=r"^\[HVIT_EDGE_RUNTIME\] expected full or small, got 'x'"):
        choose(FULL, SMALL, "1.5.1", "x")


def test_neither_loads(choose):
    with pytest.raises(MissingPackageError) as caught:
        choose(NO_LIBRARY, NO_MODULE, None)
    assert str(caught.value) == (
        "[runtime] expected a C++ runtime that loads, got none: ExecuTorch is not installed, and"
        " the small one does not load (ModuleNotFoundError: No module named"
        " 'hvit_edge._runtime_small'); pip install 'hvit-edge[executorch]'"
    )


def test_the_command_line_refuses_another_name(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "hvit_edge.cli", "run", tmp_path / "a.pte", tmp_path / "b.jpg"],
        env={"HVIT_EDGE_RUNTIME": "x"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert "[HVIT_EDGE_RUNTIME] expected full or small, got 'x'" in done.stderr
