"""Find the files of the C++ runner for an architecture.

There are two runners. The small one is a single static file, which is in the package. It runs
programs of the native backend. The full one runs any program, needs the libraries of ExecuTorch
next to it, and is built in a checkout.
"""

from __future__ import annotations

import os
from pathlib import Path

from hvit_edge.artifact.calls import is_native
from hvit_edge.errors import ArtifactError, InputError

PROGRAM = "hvit_edge_runner"
VARIABLE = "HVIT_EDGE_RUNNERS"
PACKAGE = Path(__file__).resolve().parents[1]
CHECKOUT = PACKAGE.parents[1]
SMALL = PACKAGE / "assets/runners"
BUILT = {"aarch64": "build/arm/device", "x86_64": "build/native/device"}
MAKE = {"aarch64": "make arm", "x86_64": "make runner"}


def needs_full_runner(artifact: Path) -> bool:
    """Return True if the small runner cannot run an artifact.

    A file that is no program needs no special runner: each says what is wrong with it.
    """
    try:
        return not is_native(artifact.read_bytes())
    except (ArtifactError, OSError):
        return False


def find_bundle(architecture: str, *, full: bool = False) -> list[tuple[Path, str]]:
    """Return a runner and the libraries that it needs, each with its name on the device.

    The folder `architecture` in $HVIT_EDGE_RUNNERS is searched first, then the package for the
    small runner, unless the full one is needed, then the folder in a checkout to which `make`
    writes the full one.

    Args:
        architecture: such as "aarch64" or "x86_64".
        full: the program needs the full runner, see `needs_full_runner`.

    Raises:
        InputError: there is no such runner for this architecture.
    """
    folders = [Path(os.environ[VARIABLE], architecture)] if VARIABLE in os.environ else []
    if not full:
        folders.append(SMALL / architecture)
    if architecture in BUILT:
        folders.append(CHECKOUT / BUILT[architecture])
    for folder in folders:
        if (folder / PROGRAM).is_file():
            libraries = sorted((folder / "lib").glob("*.so*"))
            return [
                (folder / PROGRAM, PROGRAM),
                *((file, f"lib/{file.name}") for file in libraries),
            ]
    raise InputError(_no_runner(architecture, folders, full))


def _no_runner(architecture: str, folders: list[Path], full: bool) -> str:
    """Return the message of a runner that was not found."""
    looked = ", ".join(map(str, folders)) or f"no folder: set {VARIABLE}"
    build = f"run {MAKE[architecture]} in a checkout" if architecture in MAKE else "build one"
    wanted = PROGRAM
    if full:
        wanted = f"{PROGRAM} with ExecuTorch, because the program is not a native one,"
        build = f"compile with --target native (target='native'), {build}"
    return (
        f"[device] expected {wanted} for {architecture}, found none in {looked}; {build}, or set"
        f" {VARIABLE} to a folder that has {architecture}/{PROGRAM}"
    )
