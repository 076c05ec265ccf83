"""Exceptions of hvit-edge. Every message reads `[where] expected, got, how to fix`."""

from hvit_edge.hints import worded


class HvitEdgeError(Exception):
    """Base of every error that hvit-edge raises on purpose.

    The message is complete: `[where] what was expected, what came; how to fix it`.
    `exit_code` is what the command line returns when the error reaches it. A remedy is named as an
    option on the command line, and as an argument in Python, see `hints`.
    """

    exit_code = 2

    def __str__(self) -> str:
        """Return the message in the words of its reader."""
        return worded(super().__str__())


class InputError(HvitEdgeError):
    """A wrong argument, file, checkpoint, image or array."""


class ArtifactError(HvitEdgeError):
    """A file that is not a usable hvit-edge artifact: truncated, altered, foreign, too new."""


class LoweringError(HvitEdgeError):
    """The model cannot be lowered to the target at all."""


class ParityError(HvitEdgeError):
    """The program's outputs differ from eager PyTorch by more than the stated tolerance."""

    exit_code = 3


class DelegationError(HvitEdgeError):
    """Operators stay outside the delegate although the caller asked for none."""

    exit_code = 4


class DeviceError(HvitEdgeError):
    """A device cannot be reached or died."""

    exit_code = 5


class MissingPackageError(InputError, ImportError):
    """A Python package that a part of hvit-edge needs is not installed; `name` is the package."""


class InternalError(HvitEdgeError):
    """A failure that hvit-edge did not foresee: a bug of its own, or of what it calls.

    `__cause__` is the exception that happened.
    """

    exit_code = 1
