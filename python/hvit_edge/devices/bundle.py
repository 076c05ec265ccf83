"""Find the files of the C++ runner for an architecture."""

from __future__ import annotations

import os
from pathlib import Path

from hvit_edge.errors import InputError

PROGRAM = "hvit_edge_runner"
VARIABLE = "HVIT_EDGE_RUNNERS"
CHECKOUT = Path(__file__).resolve().parents[3]
BUILT = {"aarch64": "build/arm/device", "x86_64": "build/native/device"}
MAKE = {"aarch64": "make arm", "x86_64": "make runner"}


def find_bundle(architecture: str) -> list[tuple[Path, str]]:
    """Return the runner and the libraries that it needs, each with its name on the device.

    The folder `architecture` in $HVIT_EDGE_RUNNERS is searched first, then the folder in a checkout
    to which `make` writes them.

    Args:
        architecture: such as "aarch64" or "x86_64".

    Raises:
        InputError: there is no runner for this architecture.
    """
    folders = [CHECKOUT / BUILT[architecture]] if architecture in BUILT else []
    if VARIABLE in os.environ:
        folders.insert(0, Path(os.environ[VARIABLE], architecture))
    for folder in folders:
        if (folder / PROGRAM).is_file():
            libraries = sorted((folder / "lib").glob("*.so*"))
            return [
                (folder / PROGRAM, PROGRAM),
                *((file, f"lib/{file.name}") for file in libraries),
            ]
    looked = ", ".join(map(str, folders)) or f"no folder: set {VARIABLE}"
    remedy = f"run {MAKE[architecture]} in a checkout" if architecture in MAKE else "build one"
    raise InputError(
        f"[device] expected {PROGRAM} for {architecture}, found none in {looked}; {remedy}, or set"
        f" {VARIABLE} to a folder that has {architecture}/{PROGRAM}"
    )
