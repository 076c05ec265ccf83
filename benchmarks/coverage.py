"""Compile and check third-party modules on every target: the coverage matrix.

    python benchmarks/coverage.py PHOTOS [--models resnet18 ...] [--programs "native int8" ...]
        [-j 2] [--again]

The script needs `pip install timm==1.0.31 torchvision==0.28.0`. Every program is compiled in a
separate process. A row is written as soon as it is known, and a program with a row is skipped, so
that a stopped run can continue. int8 is calibrated on PHOTOS. `coverage_times.py` times the
programs.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from coverage_models import MODELS
from measure.apart import run_apart
from measure.rows import put_row, rows_known
from tqdm import tqdm

RESULTS = Path(__file__).resolve().parent / "results" / "coverage.json"
CELL = Path(__file__).with_name("coverage_cell.py")
PROGRAMS = (
    "xnnpack fp32",
    "xnnpack fp16",
    "xnnpack int8",
    "xnnpack int8-dynamic",
    "native fp32",
    "native fp16",
    "native int8",
    "native int8-dynamic",
    "coreml fp16",
    "coreml fp32",
    "coreml w8",
)


def main() -> None:
    """Compile the programs that have no row yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--models", nargs="+", default=MODELS, choices=MODELS, metavar="MODEL")
    parser.add_argument("--programs", nargs="+", default=PROGRAMS, choices=PROGRAMS)
    parser.add_argument(
        "-j", "--jobs", type=int, default=1, help="programs that are compiled at a time"
    )
    parser.add_argument("--again", action="store_true", help="also repeat programs that have a row")
    args = parser.parse_args()
    known = set() if args.again else rows_known(RESULTS, "model", "program")
    wanted = [(m, p) for m in args.models for p in args.programs if (m, p) not in known]
    with ThreadPoolExecutor(args.jobs) as pool:
        made = {pool.submit(judge, m, p, args.photos): (m, p) for m, p in wanted}
        for future in tqdm(as_completed(made), total=len(made), disable=None, file=sys.stderr):
            model, program = made[future]
            put_row(RESULTS, {"model": model, "program": program}, future.result(), place)


def judge(model: str, program: str, photos: Path) -> dict[str, object]:
    """Check a program in a separate process; "error" contains the reason if there is none."""
    return run_apart(str(CELL), model, *program.split(), str(photos))


def place(row: dict) -> tuple:
    """Return where a row stands in the file."""
    return MODELS.index(row["model"]), PROGRAMS.index(row["program"])


if __name__ == "__main__":
    main()
