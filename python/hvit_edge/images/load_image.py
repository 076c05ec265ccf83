"""Read an image file as upright 8-bit RGB pixels; errors name the file."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from hvit_edge.boundary.public import public
from hvit_edge.errors import InputError
from hvit_edge.images.bare_image import without_metadata
from hvit_edge.images.eight_bits import Depth, declared_depth, to_rgb
from hvit_edge.images.file_names import printable
from hvit_edge.images.heif import register_reader
from hvit_edge.images.orientation import orientation_in, orientation_of, turn
from hvit_edge.images.quiet_pillow import quiet_pillow

# First bytes of other files that often have the name of a photo.
NO_IMAGES = (
    (b"version https://git-lfs", "a Git LFS pointer, which `git lfs pull` replaces by the photo"),
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
    (b"<svg", "a drawing"),
    (b"%pdf", "a PDF"),
)
DNG_VERSION, KIND_OF_PICTURE, REDUCED = 50706, 254, 1  # tags of TIFF, and a bit of the second


@public("load_image", libraries=False)
def load_image(path: str | Path) -> np.ndarray:
    """Read an image file as RGB.

    It reads the first picture of the file and turns it upright by its EXIF or XMP, even if other
    metadata is damaged. Alpha is dropped, and gray and palette images become RGB. Deeper images
    are converted to 8 bits, see `hvit_edge.images.eight_bits`. HEIC needs the package pillow-heif.

    Args:
        path: the image file.

    Returns:
        uint8 [height, width, 3].

    Raises:
        InputError: the file is missing, unreadable or not an image, or the range of its values is
            unknown.
    """
    try:
        with open(os.fspath(path), "rb") as file:
            return decode_image(file if file.seekable() else io.BytesIO(file.read()), path)
    except FileNotFoundError:
        kind = "a link to no file" if os.path.islink(path) else "no such file"
        raise InputError(
            f"[load_image] expected an image file, got {kind}: {printable(path)}"
        ) from None
    except PermissionError as error:
        raise InputError(
            f"[load_image] expected a file that can be read, got {printable(path)}"
            f" ({error.strerror}); change its permissions"
        ) from error
    except IsADirectoryError:
        raise InputError(
            f"[load_image] expected an image file, got a folder: {printable(path)}; name the files"
            " in it"
        ) from None
    except (OSError, TypeError, ValueError) as error:  # not a path, or it contains a zero byte
        raise _unreadable(path, error) from error


def decode_image(stream: BinaryIO, name: str | Path) -> np.ndarray:
    """Read an opened image file as `load_image` does; `name` is its name in errors."""
    try:
        with quiet_pillow:
            return _decode(stream, name)
    except InputError:
        raise
    except Image.DecompressionBombError as error:
        raise InputError(
            f"[load_image] expected a smaller image, got {printable(name)} ({error}); scale it down"
        ) from error
    except Exception as error:  # for damaged files Pillow's readers raise any exception
        stream.seek(0)
        raise _unreadable(name, error, stream.read(64)) from error


def rgb_of(image: Image.Image) -> np.ndarray:
    """Return a Pillow image with 8 bits per channel as upright RGB, uint8 [height, width, 3].

    Raises:
        InputError: the pixels cannot be read.
    """
    try:
        with quiet_pillow:
            image.load()
            pixels = to_rgb(image.copy(), Depth())
            # Since version 10 Pillow turns TIFF on loading, but not all versions record that.
            return pixels if image.format == "TIFF" else turn(pixels, orientation_of(image))
    except InputError:
        raise
    except Exception as error:
        raise InputError(
            f"[image] expected a PIL image whose pixels can be read, got {_reason(error)};"
            " convert it with PIL.Image.convert('RGB')"
        ) from error


def _decode(stream: BinaryIO, name: str | Path) -> np.ndarray:
    try:
        with _open(stream, name) as image:
            return _pixels(image, name)
    except (InputError, Image.DecompressionBombError):
        raise
    except Exception as error:
        stream.seek(0)
        return _decode_bare(stream.read(), name, error)


def _open(stream: BinaryIO, name: str | Path) -> Image.Image:
    try:
        return Image.open(stream)
    except UnidentifiedImageError:
        stream.seek(0)
        if not register_reader(stream.read(64), name):
            raise
        return Image.open(stream)


def _pixels(image: Image.Image, name: str | Path) -> np.ndarray:
    """Load an opened image."""
    _refuse_preview(image, name)
    depth = declared_depth(image)
    if image.format == "TIFF":
        orientation = orientation_of(image)  # while the file is open
        # Pillow would turn the image here, and rewrite its EXIF for it.
        image.load_end = lambda: None
        image.load()
        image = image.copy()  # the size of the copy is the size of its pixels
    else:
        image.load()
        orientation = orientation_of(image)  # PNG may have its EXIF after the pixels
    try:
        return turn(to_rgb(image, depth), orientation)
    except InputError as error:
        raise InputError(f"[load_image] {printable(name)}: expected {error}") from None


def _decode_bare(data: bytes, name: str | Path, error: Exception) -> np.ndarray:
    """Read a file that Pillow failed on without its metadata; raise `error` if that fails too."""
    bare = without_metadata(data)
    if bare is None:
        raise error
    try:
        with Image.open(io.BytesIO(bare.data)) as image:
            pixels = _pixels(image, name)
    except InputError:
        raise
    except Exception:
        raise error from None
    return turn(pixels, orientation_in(bare.exif, bare.xmp))


def _refuse_preview(image: Image.Image, name: str | Path) -> None:
    """Raise InputError for a camera's raw file, of which Pillow would read the small preview."""
    if image.format != "TIFF":
        return
    tags = image.tag_v2
    kind = tags.get(KIND_OF_PICTURE, 0)
    if DNG_VERSION in tags or (isinstance(kind, int) and kind & REDUCED):
        raise InputError(
            f"[load_image] expected a developed photo, got a raw file, or a preview:"
            f" {printable(name)}; convert it to JPEG or TIFF"
        )


def _unreadable(name: str | Path, error: Exception, start: bytes | None = None) -> InputError:
    """Return the error for a file; `start` has its first bytes if it could be opened."""
    reason = "an empty file" if start == b"" else _reason(error)
    for beginning, kind in NO_IMAGES:
        if (start or b"").lower().startswith(beginning):
            reason = kind
    return InputError(
        f"[load_image] expected an image that Pillow reads, got {printable(name)} ({reason});"
        " convert it to JPEG or PNG"
    )


def _reason(error: Exception) -> str:
    """Return an error of another package on one line, with its type if the text needs it."""
    text = printable(str(error).strip())
    if isinstance(error, UnidentifiedImageError):
        return "no format that it knows"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if text and isinstance(error, (OSError, ValueError, SyntaxError)):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
