"""Find the sets of weights in a checkpoint: raw and averaged, at any depth, under any prefix."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from hvit_edge.errors import InputError
from hvit_edge.weights.keymap import KeyFormat, StateDict

# Parts of a key that wrappers of a module add: DataParallel, torch.compile, FSDP, activation
# checkpointing.
WRAPPERS = {"module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"}
# Keys under which training scripts store weights. Of several raw sets, the first one here is used.
NAMES = (
    *("model", "state_dict", "model_state", "model_state_dict", "net", "network", "weights"),
    *("params", "backbone", "timm_model", "encoder", "student"),
    *("current_model_state", "model_ema", "state_dict_ema", "ema", "ema_state_dict", "ema_model"),
    *("params_ema", "averaging_state", "shadow", "teacher"),
)
AVERAGED = re.compile(r"(?:^|[._])(?:ema|swa|avg|averag\w*|shadow|teacher)(?=$|[._])")
OPTIMIZER = re.compile(r"(?:^|[._])optim")  # optimizer states may use the names of the weights
COUNTERS = {"n_averaged", "num_updates", "updates", "decay", "initted", "step"}
DEEPEST = 8  # levels of nesting that are searched
FEWEST_KEYS = 20  # a model with so many keys is recognized under an unknown prefix
SHOWN = 5
TOP = "the top"  # name of the key of a bare state dict in messages


class UnknownWeightsKey(InputError):
    """Raised if a checkpoint has no weights under the requested key."""


@dataclass(frozen=True)
class WeightSet:
    """Holds one set of weights in a checkpoint.

    Attributes:
        key: the keys and prefixes that lead to it, joined by dots, such as "state_dict_ema"; empty
            for a bare state dict.
        weights: tensors as stored, by the published key without prefixes and wrappers.
        key_format: format of these keys.
        others: keys of other sets that fit the model equally well. With a requested key, only sets
            at or under it are listed.
        left_out: keys of the same state dict that belong to other modules.
        nameless: keys of averaged weights that are stored as a list, without names.
    """

    key: str
    weights: StateDict
    key_format: KeyFormat
    others: tuple[str, ...]
    left_out: tuple[str, ...]
    nameless: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Leaf:
    tensor: Tensor
    nest: str  # key of the mapping that holds it
    name: str  # as stored, for messages


@dataclass(frozen=True)
class _Candidate:
    key: str
    paths: dict[str, str]  # published key -> path of the leaf
    key_format: KeyFormat
    used: frozenset[str]  # paths of the leaves that the model has
    matched: int  # keys of the model that it has


def choose_weights(
    content: Any, expected: Iterable[str], formats: Sequence[KeyFormat], key: str | None = None
) -> WeightSet:
    """Find the weights of a model in the content of a checkpoint file.

    Args:
        content: nested mappings and lists with tensors in them; everything else is ignored.
        expected: our keys of the model.
        formats: key formats that may fit it.
        key: key of the set to use; None prefers raw weights to averaged ones.

    Raises:
        UnknownWeightsKey: there are no weights under `key`. The message lists the keys that exist.
        InputError: there are no tensors by name, or none that the model has.
    """
    expected = frozenset(expected)
    leaves = _collect(content, clean=not _has_wrappers(expected))
    if not leaves:
        raise InputError(
            "[read_state_dict] expected tensors by name, bare or under a key such as"
            f" {', '.join(NAMES[:4])}; got {_summary(content)}; save model.state_dict()"
        )
    ranked = _ranked(leaves, expected, formats)
    asked = ranked if key is None else _asked_for(key, ranked, leaves)
    chosen = asked[0]
    if not chosen.matched:
        raise _foreign(leaves, formats)
    rivals = [c for c in ranked if c.matched == chosen.matched and c is not chosen]
    return WeightSet(
        key=chosen.key,
        weights=_weights(chosen, rivals, leaves),
        key_format=chosen.key_format,
        others=tuple(rival.key or TOP for rival in rivals if rival in asked),
        left_out=_left_out(chosen, rivals, leaves),
        nameless=tuple(_nameless(content, len(expected))) if key is None else (),
    )


def _has_wrappers(expected: Iterable[str]) -> bool:
    return any(part in WRAPPERS for key in expected for part in key.split("."))


def _collect(content: Any, clean: bool) -> dict[str, _Leaf]:
    """Return every named tensor by its path.

    With `clean`, names of wrappers are removed from paths, unless two paths would become equal.
    """
    found: list[tuple[str, _Leaf]] = []
    seen: set[int] = set()
    pending: list[tuple[str, int, Any]] = [("", 0, content)]
    while pending:
        nest, depth, value = pending.pop()
        if id(value) in seen or depth > DEEPEST:
            continue
        seen.add(id(value))
        deeper = []
        for name, item in _items(value):
            path = f"{nest}.{name}" if nest else name
            if isinstance(item, Tensor):
                found.append((path, _Leaf(item, nest, path)))
            elif isinstance(item, (Mapping, list, tuple)):
                deeper.append((path, depth + 1, item))
        pending += reversed(deeper)
    whole = dict(found)
    if not clean:
        return whole
    bare = {_unwrapped(path): leaf for path, leaf in found}
    return bare if len(bare) == len(whole) else whole


def _items(value: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(value, Mapping):
        return [(name, item) for name, item in value.items() if isinstance(name, str)]
    # Tensors in a list have no names, so no model can match them.
    return [(str(i), item) for i, item in enumerate(value) if isinstance(item, Mapping)]


def _nameless(content: Any, keys: int) -> Iterator[str]:
    """Yield the paths of lists of tensors that may be averaged weights.

    The name says that they are averaged, and a list has at least half as many tensors as `keys`.
    """
    pending, seen = [("", content)], set()
    while pending:
        path, value = pending.pop()
        if isinstance(value, Mapping) and id(value) not in seen:
            seen.add(id(value))
            pending += [(f"{path}.{name}" if path else str(name), v) for name, v in value.items()]
        elif isinstance(value, (list, tuple)) and 2 * len(value) >= keys:
            averaged = AVERAGED.search(path) and not OPTIMIZER.search(path)
            if averaged and all(isinstance(one, Tensor) for one in value):
                yield path


def _unwrapped(path: str) -> str:
    return ".".join(part for part in path.split(".") if part not in WRAPPERS)


def _ranked(
    leaves: Mapping[str, _Leaf], expected: frozenset[str], formats: Sequence[KeyFormat]
) -> list[_Candidate]:
    """Return the possible sets of weights, the best first.

    Of several best ones that use the same tensors, only the first is kept.
    """
    prefixes = _prefixes(leaves, expected)
    candidates = [_candidate(p, _below(p, leaves), expected, formats) for p in prefixes]
    if all(c.matched < len(expected) for c in candidates):
        lifted = [_with_siblings(p, leaves, expected, formats) for p in prefixes if p]
        candidates += [candidate for candidate in lifted if candidate]
    best = max(candidate.matched for candidate in candidates)
    order = {path: place for place, path in enumerate(leaves)}
    fitting = [c for c in candidates if c.matched == best]
    fitting.sort(
        key=lambda c: (*_preference(c.key), min((order[path] for path in c.used), default=0))
    )
    distinct = {candidate.used: candidate for candidate in reversed(fitting)}
    first = [c for c in fitting if distinct[c.used] is c]
    return first + [c for c in candidates if c.matched < best]


def _preference(key: str) -> tuple[bool, int]:
    """Return a sort key: raw weights before averaged ones, then in the order of NAMES."""
    places = [NAMES.index(part) for part in key.split(".") if part in NAMES]
    return bool(AVERAGED.search(key)), min(places, default=-1 if not key else len(NAMES))


def _prefixes(leaves: Mapping[str, _Leaf], expected: frozenset[str]) -> list[str]:
    """Return the prefixes that may hold the model's weights.

    There are many keys under such a prefix, or it consists of known names only.
    """
    counts: Counter[str] = Counter()
    for path in leaves:
        parts = path.split(".")
        counts.update(".".join(parts[:depth]) for depth in range(1, len(parts)))
    large = len(expected) >= FEWEST_KEYS
    return [""] + [
        path
        for path, count in counts.items()
        if not OPTIMIZER.search(path)
        and (
            (large and 2 * count >= len(expected)) or all(part in NAMES for part in path.split("."))
        )
    ]


def _below(prefix: str, leaves: Mapping[str, _Leaf]) -> dict[str, str]:
    if not prefix:
        return {path: path for path in leaves}
    start = f"{prefix}."
    return {path.removeprefix(start): path for path in leaves if path.startswith(start)}


def _candidate(
    prefix: str,
    paths: dict[str, str],
    expected: frozenset[str],
    formats: Sequence[KeyFormat],
) -> _Candidate:
    best = _Candidate(prefix, paths, formats[0], frozenset(), -1)
    for key_format in formats:
        layout = key_format.layout(paths)
        fitting = layout.keys() & expected
        if len(fitting) > best.matched:
            used = frozenset(paths[key] for own in fitting for key in layout[own])
            best = _Candidate(prefix, paths, key_format, used, len(fitting))
    return best


def _with_siblings(
    prefix: str,
    leaves: Mapping[str, _Leaf],
    expected: frozenset[str],
    formats: Sequence[KeyFormat],
) -> _Candidate | None:
    """Return the set under a prefix plus the model's weights next to it.

    An example is `backbone.` next to `head.`. The result is None if the siblings add no weights.
    """
    inner = _below(prefix, leaves)
    parent = prefix.rpartition(".")[0]
    own = set(inner.values())
    beside = {k: p for k, p in _below(parent, leaves).items() if k not in inner and p not in own}
    merged = beside | inner
    whole = _candidate(parent, merged, expected, formats)
    alone = _candidate(prefix, inner, expected, [whole.key_format])
    if whole.matched == alone.matched:
        return None
    kept = {k: p for k, p in merged.items() if k in inner or p in whole.used}
    return _Candidate(parent, kept, whole.key_format, whole.used, whole.matched)


def _asked_for(key: str, ranked: list[_Candidate], leaves: Mapping[str, _Leaf]) -> list[_Candidate]:
    """Return the candidates at or under `key`, the best first.

    Raises:
        UnknownWeightsKey: there are none.
    """
    wanted = "" if key == TOP else _unwrapped(key)
    if wanted:
        found = [c for c in ranked if c.key == wanted or c.key.startswith(f"{wanted}.")]
    else:
        found = [c for c in ranked if not c.key and _is_there(key, leaves)]
    if found:
        return sorted(found, key=lambda c: -c.matched)
    fitting = [c for c in ranked if c.matched == ranked[0].matched and c.matched]
    known = ", ".join(c.key or TOP for c in fitting) or "no key"
    raise UnknownWeightsKey(
        f"[weights] weights_key: expected the key of a set of weights in the file, got {key!r};"
        f" weights that fit the model are under {known}"
    )


def _is_there(key: str, leaves: Mapping[str, _Leaf]) -> bool:
    return key in ("", TOP) or any(leaf.name.startswith(f"{key}.") for leaf in leaves.values())


def _weights(
    chosen: _Candidate, rivals: list[_Candidate], leaves: Mapping[str, _Leaf]
) -> StateDict:
    """Return the tensors of a set, without counters and without the tensors of other sets."""
    foreign = frozenset().union(*(rival.used for rival in rivals)) - chosen.used
    return {
        key: leaves[path].tensor
        for key, path in chosen.paths.items()
        if path in chosen.used or not (path in foreign or _is_counter(path, leaves[path]))
    }


def _is_counter(path: str, leaf: _Leaf) -> bool:
    return path.rpartition(".")[2] in COUNTERS and leaf.tensor.numel() == 1


def _left_out(
    chosen: _Candidate, rivals: list[_Candidate], leaves: Mapping[str, _Leaf]
) -> tuple[str, ...]:
    in_sets = frozenset().union(*(c.paths.values() for c in (chosen, *rivals)))
    nests = {leaves[path].nest for path in chosen.used}
    return tuple(
        leaf.name
        for path, leaf in leaves.items()
        if leaf.nest in nests and path not in in_sets and not _is_counter(path, leaf)
    )


def _foreign(leaves: Mapping[str, _Leaf], formats: Sequence[KeyFormat]) -> InputError:
    largest = Counter(leaf.nest for leaf in leaves.values()).most_common(1)[0][0]
    names = [leaf.name for leaf in leaves.values() if leaf.nest == largest]
    family = next((f.family for f in formats if f.family), "the model")
    known = ", ".join(f.name for f in formats if f.family)
    return InputError(
        f"[load_weights] expected a checkpoint of {family} with its own keys"
        f"{' or in one of the formats ' + known if known else ''}; got {len(names)} keys of which"
        f" none fits: {', '.join(names[:SHOWN])}, ...; is it a checkpoint of this model?"
    )


def _summary(content: Any) -> str:
    if isinstance(content, Mapping):
        return f"a mapping with {', '.join(map(str, list(content)[:SHOWN])) or 'no keys'}"
    return f"a {type(content).__name__}"
