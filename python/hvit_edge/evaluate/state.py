"""Read and write the file with which an interrupted evaluation continues.

It is JSON with one object per line. The first line describes the evaluation. Every other line holds
the outcomes of a finished batch:

    {"hvit_edge_eval": 1, "artifact_sha256": "9f...", "data": "/data/test", "images": 3, ...}
    {"outcomes": [{"index": 0, "rank": 0, "predicted": 4}, {"index": 1, "skipped": "..."}]}

Batches are appended in the order of the data. An incomplete last line, which a killed process may
leave, is removed. Any other content that does not fit is an error, and the file is not changed.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from hvit_edge.datasets import ImageSet
from hvit_edge.errors import InputError
from hvit_edge.evaluate.report import Outcome

FORMAT = "hvit_edge_eval"
VERSION = 1
LONGEST_HEADER = 2**20


def describe_evaluation(
    artifact: str | Path, images: ImageSet, *, limit: int | None, against_eager: bool
) -> dict[str, Any]:
    """Return the first line of a state file, which must be equal for an evaluation to continue.

    Args:
        artifact: the file, recorded by its SHA-256; for a package, by the names and SHA-256 of all
            its files.
        images: the data, recorded by a digest of names and labels, and of the content of an NPZ
            file or the sizes in bytes of a folder's files.
        limit, against_eager: see `evaluate`.

    Raises:
        InputError: the artifact or the data cannot be read.
    """
    return {
        FORMAT: VERSION,
        "artifact_sha256": _artifact_digest(Path(artifact)),
        "data": str(Path(images.source).resolve()),
        "images": len(images),
        "data_sha256": _data_digest(images),
        "limit": limit,
        "against_eager": against_eager,
    }


class EvalState:
    """Reads a state file when it is opened, and writes it batch by batch.

    Args:
        path: the file, which `prepare` creates; an existing one must be of the same evaluation.
        header: from `describe_evaluation`.
        classes: number of classes of the network.

    Attributes:
        outcomes: outcomes of the finished images, from the first one on without a gap.

    Raises:
        InputError: the file cannot be read, is not a state file, belongs to another evaluation, or
            was altered. It is not changed.
    """

    def __init__(self, path: str | Path, header: dict[str, Any], classes: int) -> None:
        self.outcomes: list[Outcome] = []
        self._path = Path(path)
        self._header = header
        self._classes = classes
        self._prepared = False
        self._whole_bytes = 0
        self._read()

    def append(self, outcomes: list[Outcome]) -> None:
        """Record a finished batch; the operating system has it when this returns.

        Raises:
            InputError: the file cannot be written.
        """
        self.prepare()
        try:
            with open(self._path, "r+b") as stream:
                stream.seek(0, os.SEEK_END)
                stream.write(_line({"outcomes": [_to_dict(outcome) for outcome in outcomes]}))
        except OSError as error:
            raise self._unusable("written", error) from error
        self.outcomes += outcomes

    def prepare(self) -> None:
        """Remove an incomplete last line and write a missing first line, once.

        Raises:
            InputError: the file cannot be written.
        """
        if self._prepared:
            return
        try:
            with open(self._path, "ab") as stream:
                stream.truncate(self._whole_bytes)
                if self._whole_bytes == 0:
                    stream.write(_line(self._header))
        except OSError as error:
            raise self._unusable("written", error) from error
        self._prepared = True

    def _read(self) -> None:
        try:
            with open(self._path, "rb") as stream:
                first = stream.readline(LONGEST_HEADER)
                if first != _line(self._header) and _line(self._header).startswith(first):
                    return  # empty, or only a part of the first line was written
                self._check_header(first)
                body = stream.read()
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._unusable("read", error) from error
        whole = body[: body.rfind(b"\n") + 1]
        self._whole_bytes = len(first) + len(whole)
        for number, line in enumerate(whole.splitlines(), start=2):
            self._read_batch(number, line)

    def _check_header(self, first: bytes) -> None:
        found = _parse(first)
        if not isinstance(found, dict) or FORMAT not in found or not first.endswith(b"\n"):
            raise InputError(
                f"[evaluate] {self._path}: expected a state file of hvit-edge eval, got another"
                " file; name a new file to resume from"
            )
        different = [
            f"{key} {_short(found.get(key))} instead of {_short(wanted)}"
            for key, wanted in self._header.items()
            if found.get(key) != wanted
        ]
        if different:
            raise InputError(
                f"[evaluate] {self._path}: expected the state of this evaluation, got that of"
                f" another: {', '.join(different)}; repeat that evaluation or name a new file to"
                " resume from"
            )

    def _read_batch(self, number: int, line: bytes) -> None:
        batch = _parse(line)
        rows = batch.get("outcomes") if isinstance(batch, dict) else None
        if not isinstance(rows, list):
            raise self._altered(number, "a finished batch", line.decode(errors="replace"))
        for row in rows:
            if len(self.outcomes) == self._header["images"]:
                wanted = f"no more than {self._header['images']} images"
                raise self._altered(number, wanted, json.dumps(row))
            if not self._fits(row):
                wanted = f"the outcome of image {len(self.outcomes)}"
                raise self._altered(number, wanted, json.dumps(row))
            self.outcomes.append(Outcome(**row))

    def _fits(self, row: Any) -> bool:
        """Return True if `row` is the outcome of the next image."""
        if not isinstance(row, dict) or not _is_whole(row.get("index"), len(self.outcomes)):
            return False
        if "skipped" in row:
            return row.keys() == {"index", "skipped"} and isinstance(row["skipped"], str)
        scores = {"score", "true_score"} & row.keys()  # earlier versions did not record them
        classes = {"rank", "predicted"}
        if self._header["against_eager"]:
            classes |= {"eager_rank", "eager_predicted"}
        return (
            row.keys() == {"index"} | classes | scores
            and all(_is_whole(row[key], 0, self._classes - 1) for key in classes)
            and all(type(row[key]) is float and 0 <= row[key] <= 1 for key in scores)
        )

    def _altered(self, number: int, wanted: str, got: str) -> InputError:
        return InputError(
            f"[evaluate] {self._path}, line {number}: expected {wanted}, got {got[:80]};"
            " the file was altered; delete it to start again"
        )

    def _unusable(self, how: str, error: OSError) -> InputError:
        return InputError(
            f"[evaluate] {self._path}: expected a state file that can be {how}, got"
            f" {error.strerror or error}; name a file in a folder of your own"
        )


def _to_dict(outcome: Outcome) -> dict[str, Any]:
    return {key: value for key, value in vars(outcome).items() if value is not None}


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode("ascii") + b"\n"


def _parse(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _is_whole(value: Any, least: int, most: int | None = None) -> bool:
    return type(value) is int and least <= value <= (least if most is None else most)


def _short(value: Any) -> str:
    if value is None:
        return "none"
    is_digest = isinstance(value, str) and len(value) == hashlib.sha256().digest_size * 2
    return f"{value[:12]}..." if is_digest else str(value)[:200]


def _data_digest(images: ImageSet) -> str:
    source = Path(images.source)
    parts: list[Any] = [images.names, images.labels]
    if source.is_dir():
        parts.append([_size(_file_of(source, name)) for name in images.names])
    else:
        parts.append(_file_digest(source))
    return hashlib.sha256(json.dumps(parts).encode("ascii")).hexdigest()


def _file_of(folder: Path, name: str) -> Path:
    """Return the file of an image: its own, or the tar or Parquet file that has it."""
    path = folder / name
    return path if path.exists() else folder / name.split("/")[0].split("[")[0]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1  # a later read fails, and the image is skipped with its reason


def _artifact_digest(path: Path) -> str:
    if not path.is_dir():
        return _file_digest(path)
    files = sorted(file for file in path.rglob("*") if file.is_file())
    parts = [(file.relative_to(path).as_posix(), _file_digest(file)) for file in files]
    return hashlib.sha256(json.dumps(parts).encode("ascii")).hexdigest()


def _file_digest(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as stream:
            while chunk := stream.read(2**20):
                digest.update(chunk)
    except OSError as error:
        raise InputError(
            f"[evaluate] expected a file that can be read, got {path} ({error.strerror or error});"
            " copy it to a folder where it can be read"
        ) from error
    return digest.hexdigest()
