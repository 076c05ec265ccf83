"""The files that make up the C++ runner for an architecture."""

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
    """The runner and the libraries that it needs beside it, each with its name on the device.

    They are looked for in the folder `architecture` of $HVIT_EDGE_RUNNERS, then where `make` puts
    them in a checkout.

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
    mend = f"run {MAKE[architecture]} in a checkout" if architecture in MAKE else "build one"
    raise InputError(
        f"[device] expected {PROGRAM} for {architecture}, found none in {looked}; {mend}, or set"
        f" {VARIABLE} to a folder that has {architecture}/{PROGRAM}"
    )
