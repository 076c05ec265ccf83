"""Hide Pillow's warnings while any thread reads a photo."""

from __future__ import annotations

import threading
import warnings
from types import TracebackType


class QuietPillow:
    """Hides Pillow's warnings inside its context.

    `warnings.catch_warnings` affects all threads. Therefore the first thread that enters hides the
    warnings, and the last that leaves shows them again.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._caught = warnings.catch_warnings()

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._caught = warnings.catch_warnings()
                self._caught.__enter__()
                warnings.filterwarnings("ignore", module=r"(PIL|pillow_heif)(\.|$)")
            self._inside += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._caught.__exit__(kind, error, trace)


quiet_pillow = QuietPillow()
"""The shared instance; every reader enters it with `with quiet_pillow:`."""
