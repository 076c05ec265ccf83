"""Classify batches of images in threads, each with its own Classifier."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from queue import SimpleQueue
from typing import TYPE_CHECKING

import numpy as np

from hvit_edge.datasets import ImageSet
from hvit_edge.devices import DeviceClassifier
from hvit_edge.errors import DeviceError, InputError, ParityError
from hvit_edge.evaluate.report import Outcome
from hvit_edge.images.file_names import printable

if TYPE_CHECKING:
    from hvit_edge.devices.open_artifact import AnyClassifier

DECIMALS = 6
"""Decimals of the scores of answers."""

Eager = Callable[[np.ndarray], np.ndarray]
"""Maps uint8 RGB [height, width, 3] to logits, float32 [1, classes]."""


class Workers:
    """Runs one thread per classifier; on exit each running thread stops after its image.

    Batches go to the next classifier that is free, so a slow device gets fewer of them. If one of
    several devices is lost, the others repeat its batch.

    Attributes:
        lost: why each device that was lost gave no answer, by the name of its backend.

    Args:
        classifiers: at least one; each is used by one thread at a time.
        images: labeled images; `images.read` may be called from several threads at once.
        eager: the reference, called from one thread at a time, or None.
    """

    def __init__(
        self, classifiers: Sequence[AnyClassifier], images: ImageSet, eager: Eager | None
    ) -> None:
        self._images = images
        self._classifiers = classifiers
        self._eager = eager
        self._eager_lock = threading.Lock()
        self._stop = threading.Event()
        self.lost: dict[str, str] = {}
        self._lost_lock = threading.Lock()
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
        """Return the outcomes of every batch (positions in the data), in the order of `batches`.

        Raises (while iterating):
            ParityError: logits are NaN or infinity; the error is for the first such image.
        """
        return self._threads.map(self.outcomes, batches)

    def outcomes(self, indices: Sequence[int]) -> list[Outcome]:
        """Return the outcomes of the images at some positions; raises what `run` raises."""
        classifier = self._free.get()
        try:
            if isinstance(classifier, DeviceClassifier):
                return self._classify_together(classifier, indices)
            return [self._classify(classifier, index) for index in indices]
        except DeviceError as error:
            if not self._lose(classifier, error):
                raise
            return self.outcomes(indices)
        finally:
            if classifier.backend not in self.lost:
                self._free.put(classifier)

    def _lose(self, classifier: AnyClassifier, error: DeviceError) -> bool:
        """Leave out a device; return False if it is the last one, which stays."""
        with self._lost_lock:
            backends = {each.backend for each in self._classifiers}
            if self._stop.is_set() or len(self.lost) == len(backends) - 1:
                return False
            self.lost[classifier.backend] = str(error)
            return True

    def _classify(self, classifier: AnyClassifier, index: int) -> Outcome:
        if self._stop.is_set():
            raise CancelledError
        try:
            image = self._images.read(index)
            logits = classifier.logits(image)  # it may refuse the shape of the photo
        except InputError as error:
            return Outcome(index, skipped=str(error))
        return self._outcome(index, logits, image)

    def _classify_together(
        self, classifier: DeviceClassifier, indices: Sequence[int]
    ) -> list[Outcome]:
        """Classify a complete batch in one call of the device."""
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
            # Read the photo again for PyTorch, because the batch may not fit into memory.
            image = None if self._eager is None else self._images.read(index)
            outcomes[index] = self._outcome(index, found, image)
        return [outcomes[index] for index in indices]

    def _outcome(self, index: int, logits: np.ndarray, image: np.ndarray | None) -> Outcome:
        name, label = self._images.names[index], self._images.labels[index]
        found = _finite(logits, name)
        expected = None
        if self._eager is not None:
            with self._eager_lock:
                expected = _finite(self._eager(image), name)
        return outcome_of(index, label, found, expected)


def outcome_of(
    index: int, label: int, logits: np.ndarray, eager: np.ndarray | None = None
) -> Outcome:
    """Return the result for an image.

    Args:
        index, label: its position in the data, and its class.
        logits, eager: those of the runtime and of the eager model, finite [classes].
    """
    predicted = int(logits.argmax())
    shares = np.exp(logits.astype(np.float64) - float(logits[predicted]))
    shares /= shares.sum()
    return Outcome(
        index,
        _rank(logits, label),
        predicted,
        None if eager is None else _rank(eager, label),
        None if eager is None else int(eager.argmax()),
        score=round(float(shares[predicted]), DECIMALS),
        true_score=round(float(shares[label]), DECIMALS),
    )


def _finite(logits: np.ndarray, name: str) -> np.ndarray:
    logits = np.asarray(logits).reshape(-1)
    if not np.isfinite(logits).all():
        raise ParityError(
            f"[evaluate] {printable(name)}: expected finite logits, got NaN or infinity;"
            " run hvit-edge validate to find the step that breaks"
        )
    return logits


def _rank(logits: np.ndarray, label: int) -> int:
    """Return how many classes rank before `label`: greater logits, or equal with a lower index."""
    own = logits[label]
    return int((logits > own).sum() + (logits[:label] == own).sum())
