"""Show or clear the results that compilations keep for later ones.

The environment variable HVIT_EDGE_CACHE_DIR sets the folder, and HVIT_EDGE_CACHE_SIZE its largest
size, such as 500MB or 4GB; 0 turns the cache off.
"""

from __future__ import annotations

import argparse

from hvit_edge.cache.settings import cache_folder, cache_size
from hvit_edge.cache.store import Store, StoredFile
from hvit_edge.cli import text
from hvit_edge.cli.console import Console
from hvit_edge.cli.parser import VerbParser, choice


def add_arguments(parser: VerbParser) -> None:
    """Declare what to do."""
    parser.add_argument(
        "action",
        metavar="{info,clear}",
        type=choice("info", "clear"),
        help="info: show the folder, its size and what it contains; clear: delete all of it",
    )


def execute(args: argparse.Namespace, console: Console) -> int:
    """Print what the cache contains, or what was deleted."""
    store = Store(cache_folder(), cache_size())
    files = store.clear() if args.action == "clear" else store.files()
    found = {
        "folder": str(store.folder),
        "limit_bytes": store.limit,
        "bytes": sum(file.size for file in files),
        "kinds": _kinds(files),
    }
    if args.format == "json":
        console.json({"action": args.action, **found})
    elif args.action == "clear":
        console.print(
            f"Deleted {len(files)} results, {text.size(found['bytes'])}, from {store.folder}"
        )
    else:
        console.print(text.fields(_pairs(store, found)))
    return 0


def _kinds(files: list[StoredFile]) -> dict[str, dict[str, int]]:
    """Return the number of files and their bytes by kind."""
    kinds: dict[str, dict[str, int]] = {}
    for file in files:
        entry = kinds.setdefault(file.kind, {"files": 0, "bytes": 0})
        entry["files"] += 1
        entry["bytes"] += file.size
    return dict(sorted(kinds.items()))


def _pairs(store: Store, found: dict) -> list[tuple[str, object]]:
    limit = text.size(store.limit) if store.limit else "0, the cache is off"
    return [
        ("folder", store.folder),
        ("size", f"{text.size(found['bytes'])} of at most {limit}"),
        *(
            (kind, f"{entry['files']}, {text.size(entry['bytes'])}")
            for kind, entry in found["kinds"].items()
        ),
    ]
