"""The documentation builds as a site without a warning, and its search finds what users need."""

import html
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import hvit_edge
from hvit_edge.devices.bundle import CHECKOUT

SITE = CHECKOUT / "tools/docs_site"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Return the folder of the site, built as `make docs` builds it."""
    mkdocs = Path(sys.executable).with_name("mkdocs")
    if not mkdocs.exists():
        pytest.skip("needs mkdocs: pip install '.[docs]'")
    folder = tmp_path_factory.mktemp("docs")
    done = subprocess.run(
        [mkdocs, "--quiet", "build", "-f", SITE / "mkdocs.yml", "-d", folder / "site"],
        env={**os.environ, "PYTHONPATH": str(SITE), "COLUMNS": "100", "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return folder / "site"


@pytest.fixture(scope="module")
def found(built):
    """`page -> text` that the search of the site looks in."""
    texts = {}
    for entry in json.loads((built / "search/search_index.json").read_text())["docs"]:
        page = entry["location"].split("#")[0]
        text = html.unescape(re.sub("<[^>]*>", "", entry["text"]))
        texts[page] = f"{texts.get(page, '')} {entry['title']} {text}"
    return texts


def test_search_finds_each_option_of_the_command_line(found):
    for verb in ("compile", "run", "validate", "eval", "bench", "profile"):
        command = [sys.executable, "-m", "hvit_edge.cli", verb, "--help"]
        shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        options = set(re.findall(r"^  (?:-\w, )?(--[a-z-]+)", shown, re.M))
        assert options and [o for o in options if o not in found["command_line/"]] == []


def test_search_finds_errors(found):
    assert "expected an NPZ file or a folder, got no such path" in found["errors/"]


def test_each_public_name_has_its_docstring(built, found):
    page = (built / "python/index.html").read_text()
    for name in hvit_edge._PUBLIC:
        assert re.search(rf'<h2 id="hvit_edge\.[\w.]*\b{name}"', page), name
    assert "Compile a model to one self-describing file." in found["python/"]


def test_public_headers_are_shown_whole(found):
    assert "hve_classifier_open" in found["headers/"]
    assert "Result<Session> load" in " ".join(found["headers/"].split())


def test_pages_from_elsewhere_link_to_pages_of_the_site(built):
    index = (built / "index.html").read_text()
    assert 'href="tasks/#run"' in index or 'href="tasks/"' in index
    assert 'href="android/"' in index and "mobile/android/README.md" not in index
