"""Store sealed files in a folder of limited size; no torch.

    KIND-KEY.hve    "HVECACHE", SHA-256 of the rest, the kind and the key as a line, the content

A file is written under a temporary name and renamed, so that processes never read half a file, and
none waits for another. Reading a file sets its time; the files with the oldest times are deleted
first. Nothing here fails a compilation: a file that is not as it was written is deleted, and a
folder that cannot be used turns the store off. Both give one warning.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hvit_edge.artifact.container import write_atomically
from hvit_edge.cache.settings import cache_folder, cache_size
from hvit_edge.errors import InputError

MAGIC = b"HVECACHE"
DIGEST_BYTES = hashlib.sha256().digest_size
STALE_SECONDS = 3600
"""Age at which a temporary file belongs to no running process."""
_NAME = re.compile(r"([a-z]+)-([0-9a-f]{64})\.hve")
_TEMPORARY = re.compile(r"\.[a-z]+-[0-9a-f]{64}\.hve\..*\.tmp")


@dataclass(frozen=True)
class StoredFile:
    """Describes one file of the store.

    Attributes:
        path, kind, size: the file, the kind of its content, and its bytes.
        used: time of its last use, in nanoseconds since 1970.
    """

    path: Path
    kind: str
    size: int
    used: int


class Store:
    """Reads and writes contents by kind and key.

    Args:
        folder: the folder; it is made when the first file is written.
        limit: largest size of all files together, in bytes.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder, self.limit = folder, limit
        self._off = limit <= 0

    def read(self, kind: str, key: str) -> memoryview | None:
        """Return a content; None if there is none, or none that is as it was written."""
        if self._off:
            return None
        path = self._path(kind, key)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            self._turn_off("read", error.strerror or str(error))
            return None
        content = _opened(data, kind, key)
        if content is None:
            self.discard(kind, key)
            return None
        with suppress(OSError):  # a read-only folder can still be read
            os.utime(path)
        return content

    def discard(self, kind: str, key: str) -> None:
        """Delete a file that is damaged, and warn."""
        path = self._path(kind, key)
        warnings.warn(f"[cache] {path} is damaged; its content is made again", stacklevel=2)
        with suppress(OSError):  # it is replaced, or found damaged again
            path.unlink(missing_ok=True)

    def write(self, kind: str, key: str, content: bytes) -> None:
        """Store a content, and delete the least recently used ones that no longer fit."""
        if self._off or len(content) > self.limit:
            return
        label = f"{kind} {key}\n".encode()
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            digest = hashlib.sha256(label)
            digest.update(content)
            data = b"".join([MAGIC, digest.digest(), label, content])
            write_atomically(self._path(kind, key), data, force=True)
            self._shrink()
        except (InputError, OSError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            self._turn_off("write", reason)

    def files(self) -> list[StoredFile]:
        """Return the files of the store, the least recently used first."""
        return sorted(self._files(), key=lambda file: file.used)

    def clear(self) -> list[StoredFile]:
        """Delete all files of the store and no others, and return them.

        Raises:
            InputError: a file cannot be deleted.
        """
        files = self.files()
        for file in files:
            try:
                file.path.unlink(missing_ok=True)
            except OSError as error:
                raise InputError(
                    f"[cache] expected to delete {file.path}, got: {error.strerror}; change the"
                    " permissions of its folder"
                ) from error
        return files

    def _path(self, kind: str, key: str) -> Path:
        return self.folder / f"{kind}-{key}.hve"

    def _files(self) -> Iterator[StoredFile]:
        try:
            entries = list(os.scandir(self.folder))
        except OSError:
            return
        for entry in entries:
            match = _NAME.fullmatch(entry.name)
            try:
                if match and entry.is_file(follow_symlinks=False):
                    found = entry.stat()
                    yield StoredFile(Path(entry.path), match[1], found.st_size, found.st_mtime_ns)
            except OSError:
                continue  # another process deleted it

    def _shrink(self) -> None:
        files = self.files()
        left = sum(file.size for file in files)
        for file in files:
            if left <= self.limit:
                break
            file.path.unlink(missing_ok=True)
            left -= file.size
        for entry in os.scandir(self.folder):
            if _TEMPORARY.fullmatch(entry.name):
                with suppress(FileNotFoundError):  # its process renamed it
                    if time.time() - os.stat(entry.path).st_mtime > STALE_SECONDS:
                        os.unlink(entry.path)

    def _turn_off(self, doing: str, reason: str) -> None:
        self._off = True
        warnings.warn(
            f"[cache] expected to {doing} {self.folder}, got: {reason}; compiling without it",
            stacklevel=3,
        )


def open_store() -> Store | None:
    """Return the store that the environment asks for; None if it turns the cache off.

    Raises:
        InputError: the setting of the size is wrong.
    """
    limit = cache_size()
    if not limit:
        return None
    try:
        return Store(cache_folder(), limit)
    except InputError as error:
        warnings.warn(f"{error}; compiling without a cache", stacklevel=2)
        return None


def _opened(data: bytes, kind: str, key: str) -> memoryview | None:
    """Return the content of a file; None if it is not one of this kind and key, as written."""
    head = len(MAGIC) + DIGEST_BYTES
    label = f"{kind} {key}\n".encode()
    if data[: len(MAGIC)] != MAGIC or data[head : head + len(label)] != label:
        return None
    if hashlib.sha256(memoryview(data)[head:]).digest() != data[len(MAGIC) : head]:
        return None
    return memoryview(data)[head + len(label) :]
