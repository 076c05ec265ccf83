"""The runtime for browsers, which `make wasm` builds, and artifacts for it."""

import shutil

import pytest
from browser import browser, is_installed

from hvit_edge.demo.site import PAGE, RUNTIME


@pytest.fixture(scope="session")
def wasm():
    """The runtime in WebAssembly."""
    if not (PAGE / RUNTIME).is_file():
        pytest.skip(f"{PAGE / RUNTIME} is not built; make wasm")
    return PAGE / RUNTIME


@pytest.fixture(scope="session")
def node():
    if shutil.which("node") is None:
        pytest.skip("node is not installed; make packages-web")
    return "node"


@pytest.fixture
def chromium(tmp_path):
    """`(*options) -> Browser` in a block."""
    if not is_installed():
        pytest.skip("chromium and chromedriver are not installed; make packages-web")
    return lambda *options: browser(tmp_path, options)
