"""Answer the images of an evaluation with the workers of a Ray cluster.

The set of images and the bytes of the artifact are sent to each node once. The photos of folders
are not: every node reads them from the same paths, such as those of a shared disk.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hvit_edge.artifact.kinds import is_package
from hvit_edge.datasets import ImageSet, Skipped
from hvit_edge.devices import LOCAL
from hvit_edge.errors import InputError
from hvit_edge.evaluate.report import Outcome
from hvit_edge.evaluate.task_answers import Answered, Answering, Spread, answer_one
from hvit_edge.evaluate.workers import Eager, Workers
from hvit_edge.images.file_names import printable

if TYPE_CHECKING:
    from hvit_edge.ray.cluster import Cluster

BATCH = 32
"""Number of images of a call, for tasks other than "classify"."""


def check_local(where: str, device: str) -> None:
    """Raise InputError if a device is named, which no worker of a cluster has."""
    if device != LOCAL:
        raise InputError(
            f"[{where}] --on ray (cluster=): expected the device local, got {device}; leave out one"
            " of both"
        )


@dataclass(frozen=True)
class SentArtifact:
    """Holds an artifact for other machines: its path, and the bytes of a file.

    A package is a folder and is not sent; it must be at the same path on every node.
    """

    path: str
    content: bytes | None

    @classmethod
    def of(cls, path: str | Path) -> SentArtifact:
        """Read an artifact."""
        content = None if is_package(path) else Path(path).read_bytes()
        return cls(str(path), content)

    def here(self) -> str:
        """Return a path of the artifact on this machine; the file is written if it is not there."""
        path = Path(self.path)
        if self.content is None or (path.is_file() and path.read_bytes() == self.content):
            return self.path
        copy = Path(tempfile.mkdtemp(prefix="hvit-edge-ray-")) / path.name
        copy.write_bytes(self.content)
        return str(copy)


@dataclass(frozen=True)
class _Classifying:
    """Makes the function of a worker that maps positions of images to their outcomes."""

    artifact: SentArtifact
    images: ImageSet
    eager: Eager | None
    threads: int
    method: str

    def __call__(self) -> Callable[[Sequence[int]], list[Outcome]]:
        from hvit_edge.devices.open_artifact import open_classifier

        path = self.artifact.here()
        classifier = open_classifier(path, threads=self.threads, method=self.method)
        return Workers([classifier], self.images, self.eager).outcomes


@dataclass(frozen=True)
class _Answering:
    """Makes the function of a worker that maps positions of images to their answers."""

    artifact: SentArtifact
    images: ImageSet
    eager: Answering | None
    threads: int

    def __call__(self) -> Callable[[Sequence[int]], list[Answered | Skipped]]:
        from hvit_edge.devices.open_task import open_task

        task = open_task(self.artifact.here(), threads=self.threads)
        return lambda indices: [answer_one(self.images, i, task, self.eager) for i in indices]


def spread_outcomes(
    cluster: Cluster,
    artifact: str | Path,
    images: ImageSet,
    batches: Sequence[range],
    eager: Eager | None,
    method: str,
) -> Iterator[list[Outcome]]:
    """Yield the outcomes of each batch of positions, in order, see `Workers.run`."""
    make = _Classifying(SentArtifact.of(artifact), images, eager, cluster.cores, method)
    for outcomes in cluster.map(make, batches, _names(images, batches)):
        cluster.done += len(outcomes)
        yield outcomes


def spread_answers(cluster: Cluster, artifact: str | Path, eager: Answering | None) -> Spread:
    """Return what answers all images of a set on a cluster, in order."""
    sent = SentArtifact.of(artifact)

    def spread(images: ImageSet) -> Iterator[Answered | Skipped]:
        starts = range(0, len(images), BATCH)
        batches = [range(start, min(start + BATCH, len(images))) for start in starts]
        make = _Answering(sent, images, eager, cluster.cores)
        for answers in cluster.map(make, batches, _names(images, batches)):
            cluster.done += len(answers)
            yield from answers

    return spread


def _names(images: ImageSet, batches: Sequence[range]) -> list[str]:
    """Return the images of each batch in words, for messages."""
    ends = [(images.names[batch[0]], images.names[batch[-1]]) for batch in batches]
    return [f"images {printable(first)} to {printable(last)}" for first, last in ends]
