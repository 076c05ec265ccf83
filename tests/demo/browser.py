"""Drives a headless Chromium by chromedriver's HTTP interface (https://w3c.github.io/webdriver)."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
PATIENCE = 120  # seconds, for everything
OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--use-fake-device-for-media-stream",
)
UNTIL = """
const [condition, done] = arguments;
const holds = new Function(`return (${condition});`);
const ask = () => (holds() ? done(true) : setTimeout(ask, 20));
ask();
"""


def is_installed() -> bool:
    """Return True if Chromium and its driver are there."""
    return all(shutil.which(name) for name in ("chromium", "chromedriver"))


class Browser:
    """One window.

    Attributes:
        address: of the session, at chromedriver.
    """

    def __init__(self, address: str) -> None:
        self.address = address

    def ask(self, command: str, **body: Any) -> Any:
        """Send a command and return its value."""
        return _post(f"{self.address}/{command}", body)

    def open(self, address: str) -> None:
        """Load a page."""
        self.ask("url", url=address)

    def script(self, text: str, *arguments: Any) -> Any:
        """Return what a function of JavaScript with this body returns."""
        return self.ask("execute/sync", script=text, args=list(arguments))

    def until(self, condition: str) -> None:
        """Wait until an expression of JavaScript is true."""
        self.ask("execute/async", script=UNTIL, args=[condition])

    def state(self, *wanted: str) -> str:
        """Wait until the page is in one of these states, or shows an error; return its state."""
        names = json.dumps([*wanted, "error"])
        self.until(f"{names}.includes(document.body.dataset.state)")
        return self.script("return document.body.dataset.state")

    def text(self, selector: str) -> str:
        """Return the text of an element, as a reader sees it."""
        return self.script("return document.querySelector(arguments[0]).innerText", selector)

    def data(self, selector: str) -> dict[str, str]:
        """Return the data attributes of an element."""
        script = "return {...document.querySelector(arguments[0]).dataset}"
        return self.script(script, selector)

    def choose(self, selector: str, path: Path) -> None:
        """Choose a file in an input."""
        found = self.ask("element", using="css selector", value=selector)[ELEMENT]
        self.ask(f"element/{found}/value", text=str(path))

    def click(self, selector: str) -> None:
        """Click an element."""
        found = self.ask("element", using="css selector", value=selector)[ELEMENT]
        self.ask(f"element/{found}/click")

    def resize(self, width: int, height: int, *, dark: bool = False) -> None:
        """Emulate a screen."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self._devtools("Emulation.setDeviceMetricsOverride", **metrics)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._devtools("Emulation.setEmulatedMedia", features=[scheme])

    def before_each_page(self, script: str) -> None:
        """Run a script in each page that is opened, before those of the page."""
        self._devtools("Page.addScriptToEvaluateOnNewDocument", source=script)

    def screenshot(self, path: Path) -> None:
        """Write the picture of the whole page to a PNG file."""
        shot = self._devtools("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def _devtools(self, command: str, **params: Any) -> Any:
        return self.ask("goog/cdp/execute", cmd=command, params=params)


@contextmanager
def browser(folder: Path, options: Sequence[str] = ()) -> Iterator[Browser]:
    """Start Chromium with an empty profile below `folder`."""
    driver = subprocess.Popen(
        ["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        address = f"http://127.0.0.1:{_port_of(driver)}/session"
        profile = f"--user-data-dir={folder / 'profile'}"
        chrome = {"args": [*OPTIONS, profile, *options], "binary": shutil.which("chromium")}
        wanted = {
            "goog:chromeOptions": chrome,
            "timeouts": {"script": 1000 * PATIENCE, "pageLoad": 1000 * PATIENCE},
        }
        started = _post(address, {"capabilities": {"alwaysMatch": wanted}})
        window = f"{address}/{started['sessionId']}"
        try:
            yield Browser(window)
        finally:
            _send(urllib.request.Request(window, method="DELETE"))
    finally:
        driver.terminate()
        driver.communicate()


def _port_of(driver: subprocess.Popen[str]) -> int:
    assert driver.stdout is not None
    for line in driver.stdout:
        if found := re.search(r"started successfully on port (\d+)", line):
            return int(found[1])
    raise AssertionError("chromedriver did not start")


def _post(address: str, body: dict[str, Any]) -> Any:
    headers = {"Content-Type": "application/json"}
    return _send(urllib.request.Request(address, json.dumps(body).encode(), headers))


def _send(request: urllib.request.Request) -> Any:
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE + 30) as response:
            return json.load(response)["value"]
    except urllib.error.HTTPError as error:
        raise AssertionError(json.load(error)["value"]["message"]) from None
