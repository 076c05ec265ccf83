"""Public functions turn unexpected exceptions into one error, and change no others."""

import importlib
import inspect
import subprocess
import sys

import pytest

import hvit_edge
from hvit_edge.boundary.public import public, public_methods
from hvit_edge.errors import HvitEdgeError, InputError, InternalError, MissingPackageError
from hvit_edge.runtime import Classifier, Session


def failing(error):
    @public("work", libraries=False)
    def work(value: int = 1) -> int:
        """Say what it does."""
        raise error

    return work


def test_what_was_not_foreseen_becomes_one_error_that_names_the_function():
    cause = KeyError("no such key\nmore")
    with pytest.raises(InternalError) as caught:
        failing(cause)()
    assert caught.value.__cause__ is cause and caught.value.exit_code == 1
    assert str(caught.value) == (
        "[work] expected no internal failure of hvit-edge, got KeyError: 'no such key\\nmore';"
        " report it with the traceback to hvit-edge's issue tracker"
    )


@pytest.mark.parametrize(
    "error",
    [InputError("[x] wrong"), InternalError("[y] bug"), MemoryError(), KeyboardInterrupt()]
    + [SystemExit(3), GeneratorExit()],
    ids=lambda error: type(error).__name__,
)
def test_what_passes_is_the_same_object(error):
    with pytest.raises(type(error)) as caught:
        failing(error)()
    assert caught.value is error


def test_wrong_arguments_are_pythons_own_type_error():
    with pytest.raises(TypeError, match="unexpected keyword argument 'values'"):
        failing(ValueError())(values=2)
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        hvit_edge.compile()
    with pytest.raises(InternalError, match="got TypeError: inside"):
        failing(TypeError("inside"))()


def test_signature_name_and_docstring_stay():
    work = failing(ValueError())
    assert (work.__name__, work.__doc__) == ("work", "Say what it does.")
    assert str(inspect.signature(work)) == "(value: int = 1) -> int"


def test_a_missing_package_names_the_extra():
    error = ModuleNotFoundError("No module named 'torch.nn'", name="torch.nn")
    with pytest.raises(MissingPackageError, match=r"pip install 'hvit-edge\[compile\]'") as caught:
        failing(error)()
    assert isinstance(caught.value, ImportError) and isinstance(caught.value, InputError)
    assert (caught.value.name, caught.value.exit_code) == ("torch", 2)
    with pytest.raises(InternalError):
        failing(ModuleNotFoundError("No module named 'tomorrow'", name="tomorrow"))()


def test_methods_are_named_after_their_class():
    @public_methods("__init__", "__call__", "load")
    class Thing:
        def __init__(self, fail: bool = False) -> None:
            if fail:
                raise ValueError("at first")

        def __call__(self) -> None:
            raise ValueError("later")

        def load(self) -> None:
            raise ValueError("in between")

    with pytest.raises(InternalError, match=r"^\[Thing\] .*at first"):
        Thing(True)
    with pytest.raises(InternalError, match=r"^\[Thing\] .*later"):
        Thing()()
    with pytest.raises(InternalError, match=r"^\[Thing\.load\] .*in between"):
        Thing().load()


@pytest.mark.parametrize(
    "name",
    ["compile", "create_model", "list_models", "load_image", "load_weights", "validate"],
)
def test_public_functions_are_wrapped_and_documented(name):
    function = getattr(hvit_edge, name)
    assert function.__name__ == name and function.__wrapped__ and function.__doc__
    assert function is getattr(importlib.import_module(function.__module__), name)


@pytest.mark.parametrize("method", [Session.__init__, Session.__call__, Classifier.__call__])
def test_public_methods_are_wrapped(method):
    assert method.__wrapped__.__qualname__ == method.__qualname__


def test_an_unforeseen_error_of_compile_is_internal(monkeypatch, tmp_path):
    from hvit_edge.compiler import source

    def fail(*arguments):
        raise ZeroDivisionError("by nought")

    monkeypatch.setattr(source, "prepare_subject", fail)
    with pytest.raises(InternalError, match=r"^\[compile\] .* got ZeroDivisionError: by nought"):
        hvit_edge.compile("mobilevit_xxs", output=tmp_path / "a.pte")


WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None
import hvit_edge
from hvit_edge.errors import MissingPackageError
hvit_edge.Classifier, hvit_edge.Preprocess((8, 8), resize_size=8), hvit_edge.load_image
try:
    hvit_edge.compile
except MissingPackageError as error:
    print(error)
"""


def test_running_needs_no_torch_and_compiling_says_so():
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("[compile] expected the Python package torch, which is not")


def test_every_error_has_an_exit_code_of_the_documented_ones():
    kinds = [kind for kind in vars(hvit_edge.errors).values() if isinstance(kind, type)]
    assert {kind.exit_code for kind in kinds if issubclass(kind, HvitEdgeError)} == {1, 2, 3, 4, 5}
