"""Remove the metadata of JPEG, PNG, TIFF and AVIF files, for photos that Pillow fails to read.

The pixels and the data that is needed to decode them remain. The orientation is read from the
removed parts.
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass, field

PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8\xff"
JFIF, EXIF, ADOBE, COMMENT, SCAN = 0xE0, 0xE1, 0xEE, 0xFE, 0xDA
SHORTEST_JFIF = 14  # bytes of a complete header
SHORTEST_ADOBE = 12
ALONE = frozenset({0x01, *range(0xD0, 0xD8)})  # markers without a length
AVIF_EXIF = re.compile(rb"(infe.{8})Exif", re.DOTALL)  # an entry in the list of items
ENTRY = 12  # bytes in a TIFF's directory
# Tags of TIFF that describe how its pixels are stored.
TIFF_PIXELS = frozenset(
    {
        *range(254, 260),  # kind of picture, size, bits, compression
        *(262, 266, 273, 277, 278, 279, 284, 292, 293),  # photometric, strips, planes, fax
        *(317, 320, 322, 323, 324, 325),  # predictor, color map, tiles
        *(332, 334, 338, 339, 347),  # inks, extra samples, sample format, JPEG tables
        *range(512, 522),  # old-style JPEG
        *range(529, 533),  # YCbCr
        50706,  # a raw file
    }
)
EXIF_HEADER, XMP_HEADER = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"


@dataclass
class Bare:
    """Holds an image file without metadata, and the removed parts that may have an orientation."""

    data: bytes
    exif: bytes = b""
    xmp: bytes = b""


@dataclass
class _Parts:
    kept: list[bytes] = field(default_factory=list)
    exif: list[bytes] = field(default_factory=list)
    xmp: list[bytes] = field(default_factory=list)

    def join(self) -> Bare:
        return Bare(b"".join(self.kept), b"".join(self.exif), b"".join(self.xmp))


def without_metadata(data: bytes) -> Bare | None:
    """Return the bytes of an image file without metadata.

    The result is None if the format is another one, or if there is no metadata.
    """
    if data.startswith(JPEG):
        bare = _bare_jpeg(data)
    elif data.startswith(PNG):
        bare = _bare_png(data)
    elif data.startswith((b"II*\0", b"MM\0*")):
        bare = _bare_tiff(data)
    elif data[4:8] == b"ftyp":
        bare = Bare(AVIF_EXIF.sub(rb"\1skip", data))  # AVIF does not store its orientation in EXIF
    else:
        return None
    return None if bare.data == data else bare


def _bare_jpeg(data: bytes) -> Bare:
    parts, position = _Parts([data[:2]]), 2
    while position + 4 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == SCAN:
            break
        if marker == 0xFF or marker in ALONE:  # padding, or a marker without a length
            position += 1 if marker == 0xFF else 2
            continue
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        content = data[position + 4 : end]
        if marker == EXIF:
            _sort_in(content, parts)
        if _needed(marker, content):
            parts.kept.append(data[position:end])
        position = end
    parts.kept.append(data[position:])
    return parts.join()


def _needed(marker: int, content: bytes) -> bool:
    """Return True if libjpeg needs a segment.

    Of the application segments it needs only complete JFIF and Adobe headers, which tell the color
    space.
    """
    if marker == JFIF:
        return content.startswith(b"JFIF\0") and len(content) >= SHORTEST_JFIF
    if marker == ADOBE:
        return content.startswith(b"Adobe") and len(content) >= SHORTEST_ADOBE
    return marker != COMMENT and not JFIF <= marker <= 0xEF


def _sort_in(content: bytes, parts: _Parts) -> None:
    if content.startswith(EXIF_HEADER):
        parts.exif.append(content[len(EXIF_HEADER) :])
    elif content.startswith(XMP_HEADER):
        parts.xmp.append(content[len(XMP_HEADER) :])


def _bare_png(data: bytes) -> Bare:
    parts, position = _Parts([PNG]), len(PNG)
    while position + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        end = position + 12 + length
        content = data[position + 8 : end - 4]
        if not kind[:1].islower() or kind == b"tRNS":  # PNG marks required chunks by upper case
            parts.kept.append(data[position:end])
        elif kind == b"eXIf":
            parts.exif.append(content)
        elif kind == b"iTXt" and content.startswith(b"XML:com.adobe.xmp\0"):
            parts.xmp.append(_text(content))
        position = end
    parts.kept.append(data[position:])
    return parts.join()


def _bare_tiff(data: bytes) -> Bare:
    """Append a directory with fewer entries; the EXIF is the file itself, which has that form."""
    order = "<" if data.startswith(b"II") else ">"
    try:
        (directory,) = struct.unpack_from(order + "I", data, 4)
        (count,) = struct.unpack_from(order + "H", data, directory)
    except struct.error:
        return Bare(data)
    start = directory + 2
    entries = [data[at : at + ENTRY] for at in range(start, start + ENTRY * count, ENTRY)]
    kept = [entry for entry in entries if _tag(entry, order) in TIFF_PIXELS]
    if len(kept) == count:
        return Bare(data)
    added = struct.pack(order + "H", len(kept)) + b"".join(kept) + bytes(4)
    padded = data + bytes(len(data) % 2)
    head = data[:4] + struct.pack(order + "I", len(padded))
    return Bare(head + padded[8:] + added, exif=data)


def _tag(entry: bytes, order: str) -> int | None:
    return struct.unpack_from(order + "H", entry)[0] if len(entry) == ENTRY else None


def _text(content: bytes) -> bytes:
    """Return the text of an iTXt chunk; empty if it cannot be decompressed."""
    _, _, rest = content.partition(b"\0")
    compressed, text = rest[:1], rest[2:].split(b"\0", 2)[-1]
    if compressed != b"\1":
        return text
    try:
        return zlib.decompressobj().decompress(text, 2**20)
    except zlib.error:
        return b""
