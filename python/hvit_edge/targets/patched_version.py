"""Check the version of a library before some of its functions are replaced."""

from __future__ import annotations

from importlib.metadata import version

from hvit_edge.errors import LoweringError


def check_patched_version(package: str, expected: str) -> None:
    """Check that a library is the version that our patches of it were written for.

    Another version may call the replaced functions in another way, and would then do without
    notice what the patch prevents.

    Raises:
        LoweringError: another version is installed.
    """
    found = version(package).partition("+")[0]
    if found != expected:
        raise LoweringError(
            f"[targets] expected {package} {expected}, of which hvit-edge replaces functions, got"
            f" {found}; pip install {package}=={expected}"
        )
