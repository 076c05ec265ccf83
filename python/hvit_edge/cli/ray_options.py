"""Declare and check the options of a Ray cluster, for the verbs that can use one."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from hvit_edge.cli.parser import choice
from hvit_edge.errors import InputError

if TYPE_CHECKING:
    from hvit_edge.ray.cluster import Cluster


def add_ray(parser: argparse.ArgumentParser, what: str) -> None:
    """Add `--on` and `--ray-address`; `what` says what a cluster does."""
    parser.add_argument(
        "--on",
        type=choice("local", "ray"),
        default="local",
        metavar="{local,ray}",
        help=f"ray: {what} (default: local)",
    )
    parser.add_argument(
        "--ray-address",
        metavar="ADDRESS",
        help="with --on ray: a running cluster, such as auto or HOST:6379 (default: a cluster on"
        " this machine, which ends with the command)",
    )


def check_ray(args: argparse.Namespace, verb: str) -> None:
    """Raise InputError if a cluster is named, but not used."""
    if args.ray_address is not None and args.on != "ray":
        raise InputError(
            f"[hvit-edge {verb}] --ray-address: expected together with --on ray, got it alone; add"
            " --on ray"
        )


def check_search_on(args: argparse.Namespace) -> None:
    """Raise InputError if a cluster would have nothing to do for `compile`."""
    check_ray(args, "compile")
    if args.on == "ray" and "auto" not in (args.precision or []):
        raise InputError(
            "[hvit-edge compile] --on ray: expected --precision auto, which measures layers and"
            f" plans, got {', '.join(args.precision or ['none'])}; leave it out"
        )


@contextlib.contextmanager
def search_cluster(args: argparse.Namespace) -> Iterator[Cluster | None]:
    """Connect to the cluster of the options of `compile`; None without --on ray."""
    if args.on != "ray":
        yield None
        return
    from hvit_edge.ray.cluster import LOCAL, Cluster

    with Cluster(args.ray_address or LOCAL) as cluster:
        yield cluster
