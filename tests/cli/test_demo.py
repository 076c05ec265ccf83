"""`hvit-edge demo`."""

import json
import threading
import urllib.request

import pytest

from hvit_edge.cli import main
from hvit_edge.demo import server, site
from hvit_edge.demo.site import PAGE, Served

DATA = PAGE.parents[3] / "cpp/tests/data"


@pytest.fixture
def opened(monkeypatch):
    """The addresses that a browser was asked to open; each is read, then the user stops."""
    found = []

    def read(address):
        with urllib.request.urlopen(f"{address}model.pte", timeout=10) as response:
            found.append((address, response.read()))

    def serve(self, poll=0.01):
        thread = threading.Thread(target=super(server.PageServer, self).serve_forever, args=(poll,))
        thread.start()
        for address in addresses or [self.address]:
            read(address)
        self.shutdown()
        thread.join()
        raise KeyboardInterrupt

    addresses = []
    monkeypatch.setattr("webbrowser.open", addresses.append)
    monkeypatch.setattr(server.PageServer, "serve_forever", serve)
    page = {"/model.pte": Served(b"model", "application/octet-stream")}
    monkeypatch.setattr(site, "collect", lambda artifact: page)
    return found, addresses


def test_it_serves_until_it_is_stopped(opened, capsys):
    found, addresses = opened
    assert main(["demo", "a.pte"]) == 0
    assert found == [(addresses[0], b"model")]
    assert f"a.pte: {addresses[0]}" in capsys.readouterr().out


def test_without_a_browser_as_json(opened, capsys):
    found, addresses = opened
    assert main(["demo", "a.pte", "--no-browser", "--format", "json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer == {"artifact": "a.pte", "address": found[0][0]}
    assert addresses == []


def test_an_artifact_for_another_target(capsys):
    assert main(["demo", str(DATA / "tiny_v1.pte")]) == 2
    error = capsys.readouterr().err
    assert "expected an artifact for the target native" in error and "--target native" in error


def test_a_wrong_port(capsys):
    assert main(["demo", "a.pte", "--port", "-1"]) == 2
    assert "expected 0 (any that is free) or more, got -1" in capsys.readouterr().err
