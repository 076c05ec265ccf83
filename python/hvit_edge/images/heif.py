"""Find a reader of HEIC and AVIF files, if one is installed."""

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
    """Register a reader of HEIC with Pillow if a file that Pillow did not recognize is HEIC.

    Args:
        start: the first 64 bytes of the file.
        name: name of the file, for messages.

    Returns:
        True if Pillow should open the file again.

    Raises:
        InputError: the file is HEIC and pillow-heif is not installed, or it is AVIF and this Pillow
            does not support it.
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
