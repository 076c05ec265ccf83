"""Define the exceptions of hvit-edge, with messages `[where] expected, got; how to fix`."""

from hvit_edge.hints import worded

MOST_SHOWN = 200
"""The most characters of another library's error in a message."""


def first_line(error: BaseException, limit: int | None = MOST_SHOWN) -> str:
    """Return `Type: message` of an exception, of which only the first line with text is kept.

    Args:
        error: the exception; without a message only its type is returned.
        limit: the most characters of the result; None for no limit.
    """
    said = first_line_of(str(error))
    text = f"{type(error).__name__}: {said}" if said else type(error).__name__
    return text if limit is None or len(text) <= limit else text[: limit - 3] + "..."


def first_line_of(text: str) -> str:
    """Return the first line of a text that is not blank; empty if there is none."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


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


class ConditionError(HvitEdgeError):
    """Raised if a condition of `--fail-if` holds for the numbers of a report."""

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
