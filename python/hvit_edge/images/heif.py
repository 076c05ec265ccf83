"""HEIC and AVIF: find what reads them, if it is installed."""

from __future__ import annotations

from pathlib import Path

from PIL import features

from hvit_edge.errors import InputError
from hvit_edge.images.file_names import printable

HEIC_BRANDS = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
)
AVIF_BRANDS = frozenset({b"avif", b"avis"})


def register_reader(start: bytes, name: str | Path) -> bool:
    """Let Pillow read HEIC if the file called `name`, which it did not know, is one.

    Args:
        start: the first 64 bytes of the file.

    Returns:
        Whether Pillow should be asked again.

    Raises:
        InputError: HEIC without pillow-heif, or AVIF with a Pillow that was built without it.
    """
    if start[4:8] != b"ftyp":
        return False
    size = int.from_bytes(start[:4], "big")
    brands = {start[at : at + 4] for at in (8, *range(16, min(size, len(start)), 4))}
    if brands & AVIF_BRANDS:
        if not _pillow_reads_avif():
            raise _missing(name, "AVIF", "Pillow 11.3 or newer", "-U pillow")
        return False
    if not brands & HEIC_BRANDS:
        return False
    try:
        import pillow_heif
    except ImportError:
        raise _missing(name, "HEIC", "the package pillow-heif", "pillow-heif") from None
    pillow_heif.register_heif_opener()
    return True


def _pillow_reads_avif() -> bool:
    return "avif" in features.modules and features.check_module("avif")


def _missing(name: str | Path, kind: str, what: str, package: str) -> InputError:
    return InputError(
        f"[load_image] expected {what} to read {kind}, got none for {printable(name)};"
        f" pip install {package}, or convert it to JPEG"
    )
