"""Store finished parts of a search in a file, so that an interrupted search can resume.

    {
      "format": "hvit-edge search 1",
      "digest": "9f...",
      "costs": [{"signature": "linear 48x16 on 1x64x16", "ms": {"fp32": 0.02, "int8": 0.01}}],
      "sensitivities": [{"layer": "head:linear", "precision": "int8", "noise": 0.1, ...}],
      "evaluations": [{"layers": {"head:linear": "int8"}, "top1": 0.91}]
    }

Numbers that are not finite are stored as text ("inf"). The file is replaced atomically after each
finished item. A file that does not fit is refused and not changed.
"""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hvit_edge.artifact.container import write_atomically
from hvit_edge.errors import InputError
from hvit_edge.quantize.cost import LayerCost, parse_cost
from hvit_edge.quantize.plan import LAYER_PRECISIONS
from hvit_edge.quantize.sensitivity import Sensitivity

FORMAT = "hvit-edge search 1"
KEYS = {"format", "digest", "costs", "sensitivities", "evaluations"}
NUMBERS = ("noise", "sqnr_db", "agreement")
NOT_FINITE = ("inf", "-inf", "nan")

Choice = tuple[tuple[str, str], ...]


class SearchState:
    """Holds what a search has finished; it is read when opened and written item by item.

    Args:
        path: a new file, or the file of the same search; None keeps the state only in memory.
        digest: a digest of all that the results depend on: weights, calibration and evaluation
            data, versions, and the machine if costs are measured.

    Attributes:
        costs: the layers' costs that were measured here.
        sensitivities: the finished sensitivities.

    Raises:
        InputError: the file cannot be read, is no state file, belongs to another search, or was
            altered. It is not changed.
    """

    def __init__(self, path: str | Path | None, digest: str) -> None:
        self.costs: list[LayerCost] = []
        self.sensitivities: list[Sensitivity] = []
        self._evaluations: dict[Choice, float] = {}
        self._path = None if path is None else Path(path)
        self._digest = digest
        self._exists = False
        if self._path is not None:
            self._read(self._path)

    def add_cost(self, cost: LayerCost) -> None:
        """Record the cost of a layer.

        Raises:
            InputError: the file cannot be written.
        """
        self.costs.append(cost)
        self._write()

    def add_sensitivity(self, found: Sensitivity) -> None:
        """Record the sensitivity of a layer.

        Raises:
            InputError: the file cannot be written.
        """
        self.sensitivities.append(found)
        self._write()

    def evaluation(self, chosen: Mapping[str, str]) -> float | None:
        """Return the recorded top-1 of a plan, 0 to 1, or None; `chosen` is from `resolve`."""
        return self._evaluations.get(_choice(chosen))

    def add_evaluation(self, chosen: Mapping[str, str], top1: float) -> None:
        """Record the top-1 of a plan.

        Raises:
            InputError: the file cannot be written.
        """
        self._evaluations[_choice(chosen)] = top1
        self._write()

    def _write(self) -> None:
        if self._path is None:
            return
        content = {
            "format": FORMAT,
            "digest": self._digest,
            "costs": [{"signature": c.signature, "ms": dict(c.ms)} for c in self.costs],
            "sensitivities": [_portable(found) for found in self.sensitivities],
            "evaluations": [
                {"layers": dict(choice), "top1": top1} for choice, top1 in self._evaluations.items()
            ],
        }
        data = json.dumps(content, indent=1, allow_nan=False).encode() + b"\n"
        write_atomically(self._path, data, force=self._exists)
        self._exists = True

    def _read(self, path: Path) -> None:
        try:
            content = json.loads(path.read_bytes())
        except FileNotFoundError:
            return
        except OSError as error:
            raise InputError(
                f"[search] {path}: expected a state file that can be read, got"
                f" {error.strerror or error}; choose a file in a folder that you can write to"
            ) from error
        except (ValueError, RecursionError):
            content = None
        self._check_owner(content)
        for entry in content["costs"]:
            self.costs.append(parse_cost(entry, f"[search] {path}"))
        self.sensitivities += [self._sensitivity(entry) for entry in content["sensitivities"]]
        for entry in content["evaluations"]:
            self._evaluations.update([self._evaluation(entry)])
        self._exists = True

    def _check_owner(self, content: Any) -> None:
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise InputError(
                f"[search] {self._path}: expected a state file of a precision search, got another"
                " file; name a new file to resume from"
            )
        if content.get("digest") != self._digest:
            raise InputError(
                f"[search] {self._path}: expected the state of this search"
                f" ({self._digest[:12]}), got that of another"
                f" ({str(content.get('digest'))[:12]}); repeat that search, or name a new file to"
                " resume from"
            )
        lists = KEYS - {"format", "digest"}
        if content.keys() != KEYS or not all(isinstance(content[key], list) for key in lists):
            raise self._altered("the lists of what is finished", sorted(content))

    def _sensitivity(self, entry: Any) -> Sensitivity:
        keys = {field.name for field in dataclasses.fields(Sensitivity)}
        fits = isinstance(entry, dict) and entry.keys() == keys and _is_text(entry["layer"])
        if not fits or entry["precision"] not in LAYER_PRECISIONS:
            raise self._altered("a layer's sensitivity", entry)
        if not all(_is_number(entry[key]) for key in NUMBERS):
            raise self._altered("numbers", entry)
        numbers = {key: float(entry[key]) for key in NUMBERS}
        return Sensitivity(entry["layer"], entry["precision"], **numbers)

    def _evaluation(self, entry: Any) -> tuple[Choice, float]:
        if not isinstance(entry, dict) or entry.keys() != {"layers", "top1"}:
            raise self._altered("an evaluated plan", entry)
        layers, top1 = entry["layers"], entry["top1"]
        if not isinstance(layers, dict) or any(p not in LAYER_PRECISIONS for p in layers.values()):
            raise self._altered("the layers of a plan", entry)
        if type(top1) not in (int, float) or not 0 <= top1 <= 1:
            raise self._altered("a share from 0 to 1", entry)
        return _choice(layers), float(top1)

    def _altered(self, wanted: str, got: Any) -> InputError:
        return InputError(
            f"[search] {self._path}: expected {wanted}, got {json.dumps(got)[:200]};"
            " the file was altered: delete it to start again"
        )


def _choice(chosen: Mapping[str, str]) -> Choice:
    """Return the entries that differ from fp32: equal for all ways to write a plan."""
    return tuple(sorted(item for item in chosen.items() if item[1] != "fp32"))


def _portable(found: Sensitivity) -> dict[str, Any]:
    values = dataclasses.asdict(found)
    odd = {key: str(values[key]) for key in NUMBERS if not math.isfinite(values[key])}
    return {**values, **odd}


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    if isinstance(value, str):
        return value in NOT_FINITE
    return type(value) in (int, float) and abs(value) <= sys.float_info.max
