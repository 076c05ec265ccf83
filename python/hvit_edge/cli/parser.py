"""Parse arguments with argparse, with the project's error messages and value types."""

from __future__ import annotations

import argparse
import difflib
import math
import re
from collections.abc import Callable, Container, Iterable, Sequence
from typing import Any, NoReturn

from hvit_edge.errors import InputError


class VerbParser(argparse.ArgumentParser):
    """Parses the arguments of one verb, and raises InputError for wrong ones.

    Misspelled options get a suggestion. Every verb has `--format {text,json}` and `-v`.
    """

    def __init__(self, verb: str, *, description: str | None) -> None:
        super().__init__(
            prog=f"hvit-edge {verb}",
            description=description,
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        self._several: dict[str, Container[str]] = {}
        self.add_argument(
            "--format",
            type=choice("text", "json"),
            default="text",
            metavar="{text,json}",
            help="text for people, json for programs (default: text)",
        )
        self.add_argument(
            "-v",
            "--verbose",
            action="store_true",
            help="show the output of other packages, and the traceback of an error",
        )

    def parse_args(self, args: Sequence[str], namespace: Any = None) -> argparse.Namespace:
        """Parse the arguments.

        Raises:
            InputError: an argument is wrong or unknown. The message names every unknown one.
        """
        known, unknown = self.parse_known_args(self._one_each(args), namespace)
        if unknown:
            self.error(", ".join(self._unexpected(unknown)))
        return known

    def add_several(self, option: str, known: Container[str], **how: Any) -> None:
        """Add an option with one or several of the `known` values, which becomes a list.

        A word that is not known ends the values, so that `--target native MODEL` has one value.
        """
        self._several[option] = known
        self.add_argument(option, action="append", **how)

    def _one_each(self, args: Sequence[str]) -> list[str]:
        """Return the arguments with the name of an option before each of its values."""
        spread: list[str] = []
        option, values = "", 0
        for argument in args:
            if argument in self._several:
                option, values = argument, 0
            else:
                if values and argument in self._several.get(option, ()):
                    spread.append(option)
                elif values:
                    option = ""
                values += 1
            spread.append(argument)
        return spread

    def _unexpected(self, arguments: Sequence[str]) -> Iterable[str]:
        known = [name for action in self._actions for name in action.option_strings]
        previous = ""
        for argument in arguments:
            option = argument.split("=")[0]
            if argument.startswith("-"):
                hint = did_you_mean(option, known).strip()
                yield f"unknown option {option}" + (f" ({hint})" if hint else "")
            elif not previous.startswith("-") or "=" in previous:
                yield f"expected no further argument, got {argument!r}"
            previous = argument

    def error(self, message: str) -> NoReturn:
        """Raise `message` as InputError instead of printing and exiting."""
        message = message.rstrip("; ")
        link = " " if message.endswith("?") else "; "
        raise InputError(f"[{self.prog}] {message}{link}see `{self.prog} --help`")


class Matching:
    """Contains the words that match a regular expression, for `VerbParser.add_several`."""

    def __init__(self, pattern: str) -> None:
        self._pattern = re.compile(pattern)

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and self._pattern.fullmatch(word) is not None


def add_method(parser: argparse.ArgumentParser, otherwise: str) -> None:
    """Add `--method`; `otherwise` is the default in words."""
    parser.add_argument(
        "--method",
        default="",
        metavar="NAME",
        help="the method of an artifact with several input sizes or batches, such as 320x240;"
        f" `inspect` lists them (default: {otherwise})",
    )


def add_threads(parser: argparse.ArgumentParser) -> None:
    """Add `--threads`."""
    parser.add_argument(
        "--threads",
        type=whole_number(0, "0 (chosen by the machine) or more"),
        default=0,
        metavar="N",
        help="CPU threads of the runtime; with 0 the runtime chooses (default: 0)",
    )


def add_weights_key(parser: argparse.ArgumentParser) -> None:
    """Add `--weights-key`."""
    parser.add_argument(
        "--weights-key",
        metavar="KEY",
        help="the set of weights to use if a checkpoint has several, such as state_dict_ema"
        " (default: the raw weights, not an average)",
    )


def add_arg(parser: argparse.ArgumentParser, of: str) -> None:
    """Add `--arg`."""
    parser.add_argument(
        "--arg",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help=f"an argument of {of}; may be given several times",
    )


def add_made_by(parser: argparse.ArgumentParser) -> None:
    """Add `--model` and `--arg`, with which the module of an artifact is built again."""
    parser.add_argument(
        "--model",
        metavar="MODEL",
        help="the source of the artifact's module: FILE.py:FACTORY, which is run, or hf:FOLDER"
        " (default: as the artifact records it, but a file is run only if given here)",
    )
    add_arg(parser, "the factory (default: the recorded arguments)")


def made_by(args: argparse.Namespace, verb: str) -> dict[str, object]:
    """Check `--model` and `--arg`, and return them as the arguments `model` and `args`."""
    from hvit_edge.sources.address import check_address
    from hvit_edge.sources.arguments import read_arguments

    model = check_address(args.model, verb) if args.model else None
    given = read_arguments(args.arg, f"hvit-edge {verb}") if args.arg else None
    return {"model": model, "args": given}


def add_runs(parser: argparse.ArgumentParser, timed: str = "timed runs") -> None:
    """Add the program to measure, `--iterations` and `--warmup`.

    Args:
        parser: the parser.
        timed: the help text of `--iterations`.
    """
    parser.add_argument(
        "artifact", metavar="FILE.pte", help="a .pte from `compile`; measure packages in Xcode"
    )
    parser.add_argument(
        "--iterations",
        type=whole_number(1),
        default=100,
        metavar="N",
        help=f"{timed} (default: 100)",
    )
    parser.add_argument(
        "--warmup",
        type=whole_number(0),
        default=10,
        metavar="N",
        help="runs before the timed ones (default: 10)",
    )


def add_device(parser: argparse.ArgumentParser, *, several: bool = False) -> None:
    """Add `--device`; with `several`, its help also says how to name more than one."""
    more = (
        "; several: with commas between them, adb:* for every phone, or a TOML file, see"
        " docs/devices.md"
        if several
        else ""
    )
    parser.add_argument(
        "--device",
        default="local",
        metavar="DEVICE",
        help="device to run on: local, qemu:CPU (such as qemu:cortex-a76), ssh://[user@]host[:port]"
        f" or adb[:serial]{more}; all but local need a .pte (default: local)",
    )


def add_fail_if(parser: argparse.ArgumentParser, example: str) -> None:
    """Add `--fail-if`."""
    parser.add_argument(
        "--fail-if",
        action="append",
        default=[],
        metavar="CONDITION",
        help=f"exit with 3 if a condition on the numbers of the report holds, such as '{example}';"
        " may be given several times",
    )


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `did you mean 'x'? ` if a known word is close, otherwise an empty string."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"did you mean {close[0]!r}? " if close else ""


def choice(*options: str) -> Callable[[str], str]:
    """Return an argument type that accepts one of `options`."""

    def parse(text: str) -> str:
        if text not in options:
            raise argparse.ArgumentTypeError(
                f"expected {_one_of(options)}, got {text!r}; {did_you_mean(text, options)}"
            )
        return text

    return parse


def _one_of(options: Sequence[str]) -> str:
    return options[0] if len(options) == 1 else f"{', '.join(options[:-1])} or {options[-1]}"


def whole_number(least: int, wanted: str | None = None) -> Callable[[str], int]:
    """Return an argument type that accepts an integer of at least `least`."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = None
        if value is None or value < least:
            raise argparse.ArgumentTypeError(
                f"expected {wanted or f'a whole number of at least {least}'}, got {text}"
            )
        return value

    return parse


def share(text: str) -> float:
    """Parse an argument that is a number from 0 to 1."""
    value = _number(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"expected a share from 0 to 1, got {text}")
    return value


def points(text: str) -> float:
    """Parse an argument that is a finite number of points of any sign."""
    value = _number(text)
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"expected a number of points, got {text}")
    return value


def tolerance(text: str) -> float:
    """Parse an argument that is a finite number greater than 0."""
    value = _number(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number greater than 0, got {text}")
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def three_numbers(text: str) -> tuple[float, float, float]:
    """Parse an argument such as `0.485,0.456,0.406`, or one number for all three channels."""
    parts = [_number(part) for part in text.split(",")]
    numbers = parts * 3 if len(parts) == 1 else parts
    if len(numbers) != 3 or not all(map(math.isfinite, numbers)):
        raise argparse.ArgumentTypeError(
            f"expected three numbers such as 0.485,0.456,0.406, or one for all, got {text!r}"
        )
    return tuple(numbers)


def resize_rule(text: str) -> dict[str, object]:
    """Parse `256` (the shorter side), `stretch`, or `stretch:256` (both sides).

    Returns:
        The fields `resize` and `resize_size` of Preprocess.
    """
    rule, colon, size = text.rpartition(":")
    if text == "stretch":
        return {"resize": "stretch", "resize_size": 0}
    if rule not in ("", "stretch", "shortest", "shortest-floor") or not size.isdecimal():
        raise argparse.ArgumentTypeError(
            "expected the shorter side in pixels such as 256, stretch, or stretch:256 for both"
            f" sides before the crop, got {text!r}"
        )
    return {"resize": rule or "shortest", "resize_size": int(size)}


def image_size(text: str) -> tuple[int, int]:
    """Parse an argument such as `256`, or `224x320` for height x width, in pixels."""
    sides = text.lower().split("x")
    if len(sides) not in (1, 2) or not all(side.isdecimal() and int(side) > 0 for side in sides):
        raise argparse.ArgumentTypeError(
            f"expected a side such as 256 or HEIGHTxWIDTH such as 224x320, in pixels, got {text!r}"
        )
    return int(sides[0]), int(sides[-1])
