"""The files of the page, and the artifacts that it does not take."""

import re

import pytest

from hvit_edge.demo import site
from hvit_edge.demo.site import MODEL, PAGE, check_runs_in_browsers, collect
from hvit_edge.errors import ArtifactError, HvitEdgeError, InputError

DATA = PAGE.parents[3] / "cpp/tests/data"
NATIVE, XNNPACK = DATA / "native_v1.pte", DATA / "tiny_v1.pte"


@pytest.fixture
def built(monkeypatch, tmp_path):
    """A page whose runtime was built."""
    for path in PAGE.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "hvit_edge.wasm").write_bytes(b"\0asm\1\0\0\0")
    monkeypatch.setattr(site, "PAGE", tmp_path)


def test_the_site_has_the_page_the_runtime_and_the_artifact(built):
    files = collect(NATIVE)
    assert files[f"/{MODEL}"].content == NATIVE.read_bytes()
    assert files["/"] is files["/index.html"] and files["/"].kind == "text/html; charset=utf-8"
    assert files["/hvit_edge.wasm"].kind == "application/wasm"
    assert files["/main.js"].kind == "text/javascript; charset=utf-8"


def test_every_file_that_the_page_names_is_served(built):
    files = collect(NATIVE)
    named = set()
    for name, served in files.items():
        if name.endswith((".html", ".js")):
            text = served.content.decode()
            named |= set(re.findall(r'(?:src|href)="([^"]+)"', text))
            named |= set(re.findall(r'(?:from |fetch\(|Worker\()"(?:\./)?([^"]+)"', text))
    assert {"main.js", "worker.js", "engine.js", MODEL, "hvit_edge.wasm"} <= named
    assert {f"/{name}" for name in named} <= set(files)


def test_nothing_comes_from_elsewhere(built):
    for name, served in collect(NATIVE).items():
        if name.endswith((".html", ".js", ".css")):
            urls = re.findall(r"https?://[^\s\"'<>)]+", served.content.decode())
            assert set(urls) <= {"http://127.0.0.1"}, name


def test_without_the_runtime(monkeypatch, tmp_path):
    monkeypatch.setattr(site, "PAGE", tmp_path)
    with pytest.raises(InputError, match=r"\[demo\] expected the runtime .*; run `make wasm`"):
        collect(NATIVE)


def test_an_artifact_for_xnnpack():
    message = r"expected an artifact for the target native.* got one for xnnpack; .*target='native'"
    with pytest.raises(InputError, match=message):
        check_runs_in_browsers(XNNPACK)


def test_a_package(tmp_path):
    package = tmp_path / "a.mlpackage"
    package.mkdir()
    with pytest.raises(InputError, match="got a package for Core ML; .*target='native'"):
        check_runs_in_browsers(package)


def test_no_file():
    with pytest.raises(HvitEdgeError, match="got no such file"):
        check_runs_in_browsers("missing.pte")


def test_a_file_that_is_no_artifact(tmp_path):
    text = tmp_path / "text.pte"
    text.write_text("no artifact")
    with pytest.raises(ArtifactError):
        check_runs_in_browsers(text)
