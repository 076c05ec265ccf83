"""Run the command line, which only parses and prints; one file per verb.

Only results go to stdout. Progress, warnings and errors go to stderr. An error is one line
`error: [where] expected, got; how to fix`. Exit codes:

    0    ok
    1    a bug or an unexpected failure
    2    usage or bad input
    3    parity gate failed, or a condition of --fail-if holds
    4    delegation gate failed
    5    device unreachable
    130  interrupted
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Sequence

from hvit_edge import __version__
from hvit_edge.boundary.public import unforeseen
from hvit_edge.boundary.rare_collection import rarely_collected
from hvit_edge.cli.console import Console
from hvit_edge.cli.parser import VerbParser, did_you_mean
from hvit_edge.errors import (
    HvitEdgeError,
    InputError,
    InternalError,
    MissingPackageError,
    first_line,
)
from hvit_edge.hints import on_command_line

VERBS = {
    "list": ("list_models", "list the models, their sizes and the sources of their weights"),
    "compile": ("compile", "compile a PyTorch model to an artifact, checked against PyTorch"),
    "run": ("run", "classify photos with the C++ runtime"),
    "validate": ("validate", "compare every step from PyTorch to the C++ runtime"),
    "eval": ("evaluate", "measure the accuracy on labeled images"),
    "inspect": ("inspect", "show what an artifact contains"),
    "bench": ("bench", "measure load time, latency and memory"),
    "demo": ("demo", "open a page that runs an artifact in the browser"),
    "profile": ("profile", "measure time or instructions per operator, and draw a flame chart"),
    "report": ("report", "write one page that shows results of artifacts side by side"),
    "cache": ("cache", "show or clear what compilations keep for later ones"),
    "doctor": ("doctor", "check if this machine is ready, and say how to fix it"),
}
MOST_SHOWN = 300  # characters of an exception's message


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit code; `argv` defaults to the arguments of the process."""
    argv = list(sys.argv[1:] if argv is None else argv)
    console = Console(verbose=bool({"-v", "--verbose"} & set(argv)))
    with on_command_line(), rarely_collected():
        return _run(argv, console)


def _run(argv: list[str], console: Console) -> int:
    """Run one verb; print every failure as one line and return its exit code."""
    try:
        code = _run_verb(argv, console)
        console.flush()
        return code
    except InternalError as error:
        return _fail_unforeseen(console, error.__cause__ or error, argv)
    except HvitEdgeError as error:
        return _fail(console, str(error), error.exit_code)
    except KeyboardInterrupt:
        return _fail(console, "[hvit-edge] interrupted", 130)
    except BrokenPipeError:
        # The reader (head, less) is gone. Without this, Python prints an error while it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    except MemoryError:
        doing = _doing(console, argv)
        return _fail(console, f"[{doing}] expected more memory, got MemoryError; free memory", 1)
    except Exception as error:
        foreseen = unforeseen(f"hvit-edge {argv[0]}", error)
        if isinstance(foreseen, MissingPackageError):
            return _fail(console, str(foreseen), foreseen.exit_code)
        return _fail_unforeseen(console, error, argv)


def _run_verb(argv: list[str], console: Console) -> int:
    if not argv or argv[0] in ("-h", "--help"):
        console.print(help_text())
        return 0 if argv else 2
    if argv[0] == "--version":
        console.print(f"hvit-edge {__version__}")
        return 0
    verb = argv[0]
    if verb not in VERBS:
        raise InputError(_unknown_verb(verb))
    module = importlib.import_module(f"hvit_edge.cli.{VERBS[verb][0]}")
    parser = VerbParser(verb, description=module.__doc__)
    module.add_arguments(parser)
    try:
        args = parser.parse_args(argv[1:])
    except SystemExit as asked_for_help:
        return int(asked_for_help.code or 0)
    return module.execute(args, console)


def _unknown_verb(verb: str) -> str:
    if verb.startswith("-"):
        return f"[hvit-edge] expected a verb first, got the option {verb}; options follow the verb"
    known = ", ".join(VERBS)
    return f"[hvit-edge] expected a verb, got {verb!r}; {did_you_mean(verb, VERBS)}known: {known}"


def help_text() -> str:
    """Return the text of `hvit-edge --help`."""
    verbs = "\n".join(f"  {verb:<10}{summary}" for verb, (_, summary) in VERBS.items())
    return (
        "usage: hvit-edge VERB [options]\n\n"
        "Deploy hybrid vision transformers from PyTorch to edge devices.\n\n"
        f"{verbs}\n\n"
        "  hvit-edge compile mobilevit_xxs --weights cifar10\n"
        "  hvit-edge run mobilevit_xxs-xnnpack-fp32.pte PHOTO\n\n"
        "`hvit-edge VERB --help` explains a verb. Results go to stdout (--format json for"
        "\nprograms), everything else to stderr. Exit codes: 0 ok, 1 unexpected failure, 2 usage or"
        "\nbad input, 3 parity gate or --fail-if, 4 delegation gate, 5 device, 130 interrupted."
    )


def _fail(console: Console, message: str, code: int) -> int:
    if console.verbose and sys.exc_info()[1] is not None:
        traceback.print_exc(file=console.err)
    console.note(f"error: {message}")
    return code


def _fail_unforeseen(console: Console, error: BaseException, argv: Sequence[str]) -> int:
    """Print an unexpected failure in one sentence that says where its details are."""
    from hvit_edge.boundary.crash_report import how_to_report, write_report  # rarely needed

    doing = _doing(console, argv)
    path = write_report(error, argv, doing)
    details = f" with {path}, which has the details" if path else " with the output of -v"
    return _fail(
        console,
        f"[{doing}] unforeseen {first_line(error, MOST_SHOWN)}; {how_to_report()}{details}",
        1,
    )


def _doing(console: Console, argv: Sequence[str]) -> str:
    """Return the verb, and its step if there is one."""
    verb = f"hvit-edge {argv[0]}" if argv and argv[0] in VERBS else "hvit-edge"
    return f"{verb}, step {console.step}" if console.step else verb
