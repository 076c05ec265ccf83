"""The server of the page: what it serves, to whom."""

import http.client
import socket
import threading

import pytest

from hvit_edge.demo.server import PageServer
from hvit_edge.demo.site import Served
from hvit_edge.errors import InputError

SITE = {
    "/": Served(b"<!doctype html>", "text/html; charset=utf-8"),
    "/a.js": Served(b"1;", "text/javascript; charset=utf-8"),
}


@pytest.fixture
def server():
    with PageServer(SITE) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def ask(server, path, method="GET", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    connection.request(method, path, headers=headers)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response, content


def test_files(server):
    assert server.address == f"http://127.0.0.1:{server.server_port}/"
    response, content = ask(server, "/a.js?now")
    assert (response.status, content) == (200, b"1;")
    assert response.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert response.headers["Cache-Control"] == "no-store"
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "'wasm-unsafe-eval'" in policy
    assert "http:" not in policy and "*" not in policy


def test_head_has_no_content(server):
    response, content = ask(server, "/", "HEAD")
    assert (response.status, content, response.headers["Content-Length"]) == (200, b"", "15")


@pytest.mark.parametrize("path", ["/missing", "/../pyproject.toml", "/%2e%2e/a.js", "/A.js"])
def test_nothing_else_is_served(server, path):
    assert ask(server, path)[0].status == 404


def test_other_methods_are_refused(server):
    assert ask(server, "/", "POST")[0].status == 501


@pytest.mark.parametrize("host", ["evil.example:80", "evil.example", "127.0.0.1.evil.example:1"])
def test_foreign_names_of_this_machine_are_refused(server, host):
    assert ask(server, "/", Host=host)[0].status == 403


def test_localhost_is_this_machine(server):
    assert ask(server, "/", Host=f"localhost:{server.server_port}")[0].status == 200


def test_only_this_machine_is_served(server):
    assert server.server_address[0] == "127.0.0.1"


def test_a_port_in_use():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(InputError, match="expected a port that is free, got .* in use; use"):
            PageServer(SITE, taken.getsockname()[1])


def test_a_port_that_is_none():
    with pytest.raises(InputError, match="got 65536, which is above 65535"):
        PageServer(SITE, 65536)
