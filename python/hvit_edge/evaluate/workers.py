"""Threads that classify batches of images, each with a Classifier of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from queue import SimpleQueue
from typing import TYPE_CHECKING

import numpy as np

from hvit_edge.datasets import ImageSet
from hvit_edge.devices import DeviceClassifier
from hvit_edge.errors import InputError, ParityError
from hvit_edge.evaluate.report import Outcome
from hvit_edge.images.file_names import printable

if TYPE_CHECKING:
    from hvit_edge.devices.open_artifact import AnyClassifier

Eager = Callable[[np.ndarray], np.ndarray]
"""From uint8 RGB [height, width, 3] to logits, float32 [1, classes]."""


class Workers:
    """As many threads as classifiers; on exit those that still work stop after their image.

    Args:
        classifiers: at least one; each is used by one thread at a time.
        images: labelled; `images.read` may be called from several threads at once.
        eager: the reference, called from one thread at a time; None compares with nothing.
    """

    def __init__(
        self, classifiers: Sequence[AnyClassifier], images: ImageSet, eager: Eager | None
    ) -> None:
        self._images = images
        self._classifiers = classifiers
        self._eager = eager
        self._eager_lock = threading.Lock()
        self._stop = threading.Event()
        self._free: SimpleQueue[AnyClassifier] = SimpleQueue()
        for classifier in classifiers:
            self._free.put(classifier)
        self._threads = ThreadPoolExecutor(len(classifiers), thread_name_prefix="hvit-edge-eval")

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for classifier in self._classifiers:
            if isinstance(classifier, DeviceClassifier):
                classifier.cancel()
        self._threads.shutdown(wait=True, cancel_futures=True)

    def run(self, batches: Iterable[Sequence[int]]) -> Iterator[list[Outcome]]:
        """The outcomes of every batch (positions in the data), in the order of `batches`.

        Raises (while iterating):
            ParityError: NaN or infinity instead of logits; of several images, the first.
        """
        return self._threads.map(self._batch, batches)

    def _batch(self, indices: Sequence[int]) -> list[Outcome]:
        classifier = self._free.get()
        try:
            if isinstance(classifier, DeviceClassifier):
                return self._classify_together(classifier, indices)
            return [self._classify(classifier, index) for index in indices]
        finally:
            self._free.put(classifier)

    def _classify(self, classifier: AnyClassifier, index: int) -> Outcome:
        if self._stop.is_set():
            raise CancelledError
        try:
            image = self._images.read(index)
            logits = classifier.logits(image)  # which may refuse the photo's shape
        except InputError as error:
            return Outcome(index, skipped=str(error))
        return self._outcome(index, logits, image)

    def _classify_together(
        self, classifier: DeviceClassifier, indices: Sequence[int]
    ) -> list[Outcome]:
        """A device is asked once for the whole batch."""
        outcomes: dict[int, Outcome] = {}
        readable: list[int] = []

        def photos() -> Iterator[np.ndarray]:
            for index in indices:
                try:
                    image = self._images.read(index)
                except InputError as error:
                    outcomes[index] = Outcome(index, skipped=str(error))
                    continue
                readable.append(index)
                yield image

        logits = classifier.logits_of(photos())
        for index, found in zip(readable, logits, strict=True):
            # Read again for PyTorch: the whole batch of photos may not fit into memory.
            image = None if self._eager is None else self._images.read(index)
            outcomes[index] = self._outcome(index, found, image)
        return [outcomes[index] for index in indices]

    def _outcome(self, index: int, logits: np.ndarray, image: np.ndarray | None) -> Outcome:
        name, label = self._images.names[index], self._images.labels[index]
        found = _finite(logits, name)
        rank, predicted = _rank(found, label), int(found.argmax())
        if self._eager is None:
            return Outcome(index, rank, predicted)
        with self._eager_lock:
            expected = _finite(self._eager(image), name)
        return Outcome(index, rank, predicted, _rank(expected, label), int(expected.argmax()))


def _finite(logits: np.ndarray, name: str) -> np.ndarray:
    logits = np.asarray(logits).reshape(-1)
    if not np.isfinite(logits).all():
        raise ParityError(
            f"[evaluate] {printable(name)}: expected finite logits, got NaN or infinity;"
            " run hvit-edge validate to find the step that breaks"
        )
    return logits


def _rank(logits: np.ndarray, label: int) -> int:
    """How many classes come before `label`: greater logits, then equal ones of a lower index."""
    own = logits[label]
    return int((logits > own).sum() + (logits[:label] == own).sum())
