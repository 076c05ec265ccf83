"""Serve the files of a page to this machine alone."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from hvit_edge.demo.site import Served
from hvit_edge.errors import InputError

ADDRESS = "127.0.0.1"
MOST_PORT = 65535
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self' 'wasm-unsafe-eval';"
    " style-src 'self'; img-src 'self'; connect-src 'self';"
    " worker-src 'self'; media-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class PageServer(ThreadingHTTPServer):
    """Answers requests for the files of one page.

    Attributes:
        site: the files by their paths.
        address: the address of the page.
    """

    daemon_threads = True
    allow_reuse_address = False

    def __init__(self, site: Mapping[str, Served], port: int = 0) -> None:
        """Listen on a port of this machine.

        Args:
            site: the files by their paths.
            port: the port; 0 for one that is free.

        Raises:
            InputError: the port is in use or may not be used.
        """
        self.site = site
        try:
            super().__init__((ADDRESS, port), _Handler)
        except (OSError, OverflowError) as error:
            raise InputError(
                f"[demo] --port: expected a port that is free, got {port}, {_reason(error)}; use"
                " another one, or 0 for any"
            ) from None
        self.address = f"http://{ADDRESS}:{self.server_port}/"

    def names_this_machine(self, host: str) -> bool:
        """Return False for the host of a foreign page that resolves to this machine."""
        return host.rpartition(":")[0] in (ADDRESS, "localhost")


class _Handler(BaseHTTPRequestHandler):
    server: PageServer
    server_version = "hvit-edge"

    def do_GET(self) -> None:
        self._answer(with_content=True)

    def do_HEAD(self) -> None:
        self._answer(with_content=False)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep requests off the terminal."""

    def _answer(self, *, with_content: bool) -> None:
        if not self.server.names_this_machine(self.headers.get("Host", "")):
            self.send_error(HTTPStatus.FORBIDDEN)
            return
        served = self.server.site.get(self.path.partition("?")[0])
        if served is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", served.kind)
        self.send_header("Content-Length", str(len(served.content)))
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.end_headers()
        if with_content:
            self.wfile.write(served.content)


def _reason(error: OSError | OverflowError) -> str:
    if isinstance(error, OverflowError):
        return f"which is above {MOST_PORT}"
    if error.errno == errno.EADDRINUSE:
        return "which is in use"
    return f"which the system refuses ({error.strerror})"
