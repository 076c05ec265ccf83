"""Write a file with the details of an unexpected failure, for a bug report.

It contains the traceback, versions, the platform and the command, but not the environment, weights
or values of variables. Text that looks like a secret is replaced.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shlex
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence

from hvit_edge import __version__

PACKAGES = ("executorch", "torch", "torchao", "coremltools", "numpy", "pillow")
LONGEST_LINE = 400
MOST_LINES = 2000
HIDDEN = "***"
_SECRET_NAME = re.compile(r"TOKEN|SECRET|PASSW|CREDENTIAL|API_?KEY|ACCESS_?KEY|PRIVATE", re.I)
_SECRETS = (
    re.compile(r"(://)[^\s/@]+(?=@)"),  # user:password of an address
    re.compile(r"()\bhf_[A-Za-z0-9]{8,}"),
    re.compile(r"([?&](?:token|key|sig|signature)=)[^&\s'\"]+", re.I),
    re.compile(r"(\b(?:token|password|secret)[= ])[^\s'\"]{8,}", re.I),
)
"""Patterns of secrets; the first group is not secret and is kept."""


def write_report(error: BaseException, command: Sequence[str], doing: str) -> str | None:
    """Write the details of `error` to a new file in the folder for temporary files.

    Args:
        error: the unexpected exception.
        command: the arguments of the command line.
        doing: name of the command and step that failed.

    Returns:
        The path of the file; None if it cannot be written.
    """
    try:
        descriptor, path = tempfile.mkstemp(prefix="hvit-edge-", suffix=".txt")
        with open(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(report_text(error, command, doing))
    except Exception:  # for example a full disk; the original error matters more
        return None
    return path


def report_text(error: BaseException, command: Sequence[str], doing: str) -> str:
    """Return the text that `write_report` writes."""
    versions = {"hvit-edge": __version__, "Python": platform.python_version()}
    versions.update({name: _version(name) for name in PACKAGES})
    lines = [
        f"command: {shlex.join(['hvit-edge', *command])}",
        f"doing: {doing}",
        f"time: {time.strftime('%Y-%m-%d %H:%M:%S %z')}",
        f"platform: {platform.platform()}, {platform.machine()}, {os.cpu_count()} CPUs",
        f"Python: {sys.executable}",
        "versions: " + ", ".join(f"{name} {version}" for name, version in versions.items()),
        "",
        *"".join(traceback.format_exception(error)).splitlines(),
    ]
    return _without_secrets("\n".join(line[:LONGEST_LINE] for line in lines[:MOST_LINES])) + "\n"


def how_to_report() -> str:
    """Return the advice where to report, with the address from the metadata of the package."""
    try:
        urls = importlib.metadata.metadata("hvit-edge").get_all("Project-URL") or []
    except importlib.metadata.PackageNotFoundError:
        urls = []
    for entry in urls:
        label, _, url = entry.partition(",")
        if re.search("issue|bug|tracker", label, re.I):
            return f"report it at {url.strip()}"
    return "report it to hvit-edge's issue tracker"


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "none"


def _without_secrets(text: str) -> str:
    for name, value in os.environ.items():
        if len(value) >= 8 and _SECRET_NAME.search(name):
            text = text.replace(value, HIDDEN)
    for pattern in _SECRETS:
        text = pattern.sub(rf"\g<1>{HIDDEN}", text)
    return text
