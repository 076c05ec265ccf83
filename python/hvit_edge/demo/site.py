"""Collect the files of the page, and the artifact that it opens."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hvit_edge.artifact.kinds import check_exists, is_package
from hvit_edge.errors import InputError

PAGE = Path(__file__).resolve().parent.parent / "assets" / "web"
RUNTIME = "hvit_edge.wasm"
MODEL = "model.pte"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".pte": "application/octet-stream",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
}


@dataclass(frozen=True)
class Served:
    """Holds a file of the page.

    Attributes:
        content: its bytes.
        kind: its media type.
    """

    content: bytes
    kind: str


def collect(artifact: str | Path) -> dict[str, Served]:
    """Return the files of the page by their paths, such as `/main.js`.

    Raises:
        InputError: the artifact is missing or compiled for another target, or this installation
            has no runtime for browsers.
        ArtifactError: the artifact is damaged, not from hvit-edge, or too new.
    """
    check_runs_in_browsers(artifact)
    if not (PAGE / RUNTIME).is_file():
        raise InputError(
            f"[demo] expected the runtime for browsers, got no file {PAGE / RUNTIME}; run `make"
            " wasm` in a checkout, or install a wheel that has it"
        )
    files = {f"/{path.name}": path for path in PAGE.iterdir() if path.suffix in TYPES}
    files[f"/{MODEL}"] = Path(artifact)
    site = {name: Served(path.read_bytes(), TYPES[path.suffix]) for name, path in files.items()}
    site["/"] = site["/index.html"]
    return site


def check_runs_in_browsers(artifact: str | Path) -> None:
    """Check that an artifact is a program for the target native.

    Raises:
        InputError, ArtifactError: see `collect`.
    """
    check_exists(artifact)
    if is_package(artifact):
        raise _other_target(artifact, "a package for Core ML")
    from hvit_edge.runtime import Session

    target = Session(artifact, prepare=False).metadata.target
    if target != "native":
        raise _other_target(artifact, f"one for {target}")


def _other_target(artifact: str | Path, got: str) -> InputError:
    return InputError(
        f"[demo] {artifact}: expected an artifact for the target native, which browsers run, got"
        f" {got}; compile the model with --target native (target='native')"
    )
