"""Answer calls in a process of a Ray cluster."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hvit_edge import __version__
from hvit_edge.errors import HvitEdgeError, InputError

Make = Callable[[], Callable[[Any], Any]]
"""Makes the function of a worker, inside of the worker; must be picklable."""


@dataclass(frozen=True)
class Answer:
    """Holds the result of a call, or the error of hvit-edge that it raised."""

    value: Any = None
    error: HvitEdgeError | None = None

    def result(self) -> Any:
        """Return the result or raise the error."""
        if self.error is not None:
            raise self.error
        return self.value


class Worker:
    """Runs calls in a process of the cluster."""

    def prepare(self, make: Make, folder: str, version: str) -> Answer:
        """Make the function, in the folder of the caller if there is one of this name."""
        if os.path.isdir(folder):
            os.chdir(folder)
        try:
            if version != __version__:
                raise InputError(
                    f"[ray] expected hvit-edge {version} on every node, got {__version__}; install"
                    " the same version on all"
                )
            self._function = make()
        except HvitEdgeError as error:
            return Answer(error=error)
        return Answer()

    def run(self, item: Any) -> Answer:
        """Call the function."""
        try:
            return Answer(self._function(item))
        except HvitEdgeError as error:
            return Answer(error=error)
