"""Hold images with what is true of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from hvit_edge.images.image_set import ImageSet, spread

Truth = TypeVar("Truth")


@dataclass(frozen=True)
class AnnotatedSet(Generic[Truth]):
    """Holds images in a fixed order, and reads what is true of the image at a position.

    Attributes:
        images: the images, without labels.
        truth: returns the true mask or boxes of the image at a position; raises InputError.
    """

    images: ImageSet
    truth: Callable[[int], Truth]

    def __len__(self) -> int:
        return len(self.images)

    def take(self, limit: int | None) -> AnnotatedSet[Truth]:
        """Return at most `limit` images, spread evenly; all of them for None.

        Raises:
            InputError: `limit` is below 1.
        """
        chosen = spread(len(self), limit)
        return AnnotatedSet(self.images.select(chosen), lambda index: self.truth(chosen[index]))
