import subprocess
import sys

import pytest

from hvit_edge.errors import InputError, MissingPackageError
from hvit_edge.models import list_models, sequence_models
from hvit_edge.sources.address import check_address, read_address
from hvit_edge.sources.registered import MODELS


def test_the_listed_models_are_those_of_the_registry():
    registered = [*list_models(), *sequence_models()]
    fields = ("name", "params", "input_size", "sources", "task")
    assert [tuple(getattr(model, f) for f in fields) for model in MODELS] == [
        tuple(getattr(model, f) for f in fields) for model in registered
    ]


@pytest.mark.parametrize(
    ("text", "kind", "name", "factory", "model_name", "recorded"),
    [
        ("swin_t", "registered", "swin_t", "", "swin_t", ""),
        ("a/net.py:build", "file", "a/net.py", "build", "net_build", "net.py:build"),
        ("C:\\a\\net.py:Net", "file", "C:\\a\\net.py", "Net", None, None),
        ("timm:resnet18", "timm", "resnet18", "", "resnet18", "timm:resnet18"),
        (
            "timm:vit_b.augreg-2_in1k",
            "timm",
            "vit_b.augreg-2_in1k",
            "",
            "vit_b.augreg-2_in1k",
            "timm:vit_b.augreg-2_in1k",
        ),
        ("hf:facebook/levit-128S", "hf", "facebook/levit-128S", "", "levit-128S", None),
    ],
)
def test_addresses(text, kind, name, factory, model_name, recorded):
    address = read_address(text, "compile")
    assert (address.kind, address.name, address.factory) == (kind, name, factory)
    if model_name is not None:
        assert address.model_name == model_name
    if recorded is not None:
        assert address.recorded == recorded


def test_a_folder_is_recorded_without_its_path(tmp_path):
    (tmp_path / "my vit").mkdir()
    address = read_address(f"hf:{tmp_path / 'my vit'}", "compile")
    assert address.folder == tmp_path / "my vit"
    assert (address.model_name, address.recorded) == ("my_vit", "hf:my vit")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mobilevit_xx", r"^\[model\] .* did you mean 'mobilevit_xxs'\? .*or give FILE.py:FACTORY"),
        ("nowhere.py:build", r"expected a Python file, got nowhere.py \(No such file"),
        ("net.py:", "with the name of a function or class, got 'net.py:'"),
        ("net.py:a.b", "with the name of a function or class"),
        ("timm:", "expected timm:NAME or timm:NAME.TAG, got 'timm:'"),
        ("timm:a/b", "expected timm:NAME or"),
        ("hf:vit", "got 'hf:vit', which is neither a repository nor a folder here"),
        ("model.pte", "which is named like an artifact"),
        ("ft.safetensors", r"and the checkpoint with weights='ft.safetensors'"),
    ],
)
def test_wrong_addresses(text, message):
    with pytest.raises(InputError, match=message):
        check_address(text, "compile")


@pytest.mark.parametrize(
    ("text", "package", "extra"),
    [("timm:resnet18", "timm", "timm"), ("hf:a/b", "transformers", "hf")],
)
def test_without_the_library_its_extra_is_named(monkeypatch, text, package, extra):
    monkeypatch.delitem(sys.modules, package, raising=False)
    monkeypatch.setattr("hvit_edge.sources.address.find_spec", lambda name: None)
    with pytest.raises(MissingPackageError) as caught:
        check_address(text, "compile")
    assert f"pip install 'hvit-edge[{extra}]'" in str(caught.value)
    assert caught.value.name == package


def test_what_is_in_the_file_is_named(net):
    for text, message in (
        ("net.py", "names no factory; .*; the file defines Net, build, prepared"),
        ("net.py:buidl", r"define buidl, it does not; did you mean 'build'\? it defines Net, "),
    ):
        with pytest.raises(InputError, match=message):
            check_address(text, "compile")
    assert check_address("net.py:WIDTH", "compile").factory == "WIDTH"  # imported there


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def f(:\n", r"expected Python in net.py, got invalid syntax in line 1: def f\(:"),
        ("x = 1\n", "define f, it does not; it defines no function or class"),
        ("\0", "expected Python in net.py"),
    ],
)
def test_files_without_the_factory(tmp_path, monkeypatch, source, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(source)
    with pytest.raises(InputError, match=message):
        check_address("net.py:f", "compile")


@pytest.mark.parametrize(
    "source",
    [
        "from a import *",
        "try:\n    f = 1\nexcept: pass",
        "if 1:\n    def f(): pass",
        "import a as f",
    ],
)
def test_names_that_may_be_there_are_left_to_python(tmp_path, monkeypatch, source):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(source)
    assert check_address("net.py:f", "compile").kind == "file"


def test_an_address_that_was_checked_is_passed_on_as_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text("def f(): ...")
    address = check_address("net.py:f", "compile")
    (tmp_path / "net.py").unlink()
    assert check_address(address, "validate") is address


def test_wrong_arguments_are_refused_before_torch_is_imported(tmp_path):
    program = (
        "import sys; from hvit_edge.cli import main\n"
        "for line in ('swin_x', 'net.py:f', 'hf:x', 'swin_t --arg x', 'swin_t --mean 1,2'):\n"
        "    assert main(['compile', *line.split()]) == 2\n"
        "assert not {'torch', 'timm', 'transformers'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(done.stderr.splitlines()) == 5
