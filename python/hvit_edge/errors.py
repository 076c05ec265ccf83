"""Define the exceptions of hvit-edge, with messages `[where] expected, got; how to fix`."""

from hvit_edge.hints import worded


class HvitEdgeError(Exception):
    """Base class of all errors that hvit-edge raises.

    The message has the form `[where] what was expected, what was found; how to fix it`. `exit_code`
    is the exit code of the command line for the error. A remedy is shown as an option on the
    command line, and as an argument in Python, see `hints`.
    """

    exit_code = 2

    def __str__(self) -> str:
        """Return the message with remedies for its reader."""
        return worded(super().__str__())


class InputError(HvitEdgeError):
    """Raised for a wrong argument, file, checkpoint, image or array."""


class ArtifactError(HvitEdgeError):
    """Raised for an artifact that is truncated, altered, not from hvit-edge, or too new."""


class LoweringError(HvitEdgeError):
    """Raised if a model cannot be exported or lowered to the target."""


class ParityError(HvitEdgeError):
    """Raised if outputs differ from eager PyTorch by more than the stated tolerance."""

    exit_code = 3


class DelegationError(HvitEdgeError):
    """Raised if fewer operators are in the delegate than required."""

    exit_code = 4


class DeviceError(HvitEdgeError):
    """Raised if a device cannot be reached or was lost."""

    exit_code = 5


class MissingPackageError(InputError, ImportError):
    """Raised if a Python package that is needed is not installed; `name` is the package."""


class InternalError(HvitEdgeError):
    """Raised for an unexpected failure: a bug of hvit-edge, or of a library that it calls.

    `__cause__` is the original exception.
    """

    exit_code = 1
