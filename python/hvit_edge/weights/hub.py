"""Find checkpoints on the Hugging Face hub, and in folders with the same layout."""

from __future__ import annotations

from pathlib import Path

from hvit_edge.errors import InputError
from hvit_edge.images.file_names import printable
from hvit_edge.weights.evidence import CONFIG, PROCESSORS, Find
from hvit_edge.weights.shards import INDEX_SUFFIX, SHARD

# In the order of the search.
WEIGHTS = (
    "model.safetensors",
    "pytorch_model.bin",
    f"model.safetensors{INDEX_SUFFIX}",
    f"pytorch_model.bin{INDEX_SUFFIX}",
    "pytorch_model.pth",
    "model.pth",
)
SUFFIXES = (".safetensors", ".pt", ".pth", ".bin", ".ckpt", ".tar")
SHOWN = 5  # names that an error lists
# Trainers store these next to the weights.
NO_WEIGHTS = ("optimizer", "scheduler", "training_args", "rng_state", "random_states", "scaler")


def files_in(folder: Path) -> Find:
    """Return a function that finds the files of a folder by name."""
    return lambda name: path if (path := folder / name).is_file() else None


def files_of(repository: str) -> Find:
    """Return a function that finds the files of a repository, through the hub's cache."""
    asked_for = {*WEIGHTS, CONFIG, *PROCESSORS}

    def find(name: str) -> Path | None:
        if name.endswith(".json") and name not in asked_for:
            return None  # our descriptions of weights are next to local files, not on the hub
        try:
            return fetch(repository, name)
        except InputError:
            if name == PROCESSORS[-1]:  # few repositories have it, so caches do not record it
                return None
            raise

    return find


def weights_in(find: Find, where: str, folder: Path | None = None) -> Path:
    """Find the weights file among some files.

    Args:
        find: finds a file by name.
        where: name of the place in messages.
        folder: if given, a checkpoint with another name is accepted if it is the only one there.

    Raises:
        InputError: there is no weights file, or there are several with other names.
    """
    found = next(filter(None, map(find, WEIGHTS)), None)
    if found is not None:
        return found
    others = _checkpoints(folder) if folder else []
    if len(others) == 1:
        return others[0]
    _refuse_parts(folder, where)
    got = f"several: {', '.join(path.name for path in others)}" if others else "neither"
    advice = "pass the one you mean" if others else "pass the file, if it has another name"
    if folder and not others:
        got += f" but {_listed(folder)}"
    raise InputError(
        f"[weights] expected {' or '.join(WEIGHTS[:2])}, got {got} in {where}; {advice}"
    )


def _listed(folder: Path) -> str:
    """Return the first names in a folder as text; names of folders end in a slash."""
    names = sorted(f"{path.name}/" if path.is_dir() else path.name for path in folder.iterdir())
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return (", ".join(map(printable, names[:SHOWN])) + more) or "nothing"


def _checkpoints(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix in SUFFIXES
        and path.is_file()
        and not path.name.startswith(NO_WEIGHTS)
        and not SHARD.match(path.name)
    )


def _refuse_parts(folder: Path | None, where: str) -> None:
    """Raise InputError with a remedy if a trainer saved the checkpoint in parts."""
    if folder is None:
        return
    names = [path.name for path in folder.iterdir()]
    remedy = ""
    if any(name.endswith(".distcp") for name in names):
        remedy = (
            "a distributed checkpoint; join it: python -m torch.distributed.checkpoint.format_utils"
            f" dcp_to_torch {where} weights.pt"
        )
    elif "zero_to_fp32.py" in names or "latest" in names:
        remedy = (
            "a checkpoint of DeepSpeed; join it: run zero_to_fp32.py in that folder, and pass the"
            " file that it writes"
        )
    elif any(SHARD.match(name) for name in names):
        remedy = f"files of a larger checkpoint without their index (*{INDEX_SUFFIX}); copy it too"
    if remedy:
        raise InputError(f"[weights] expected a complete checkpoint in {where}, got {remedy}")


def fetch(repository: str, name: str) -> Path | None:
    """Return the path of a file of a repository in the hub's cache; download it if needed.

    Returns:
        The path, or None if the repository does not have the file.

    Raises:
        InputError: the repository does not exist or is private, or the hub cannot be reached.
    """
    from huggingface_hub import _CACHED_NO_EXIST, hf_hub_download, try_to_load_from_cache
    from huggingface_hub import errors as hub

    try:
        return Path(hf_hub_download(repository, name))
    except hub.LocalEntryNotFoundError as error:
        if try_to_load_from_cache(repository, name) is _CACHED_NO_EXIST:
            return None  # an earlier request found that the repository does not have it
        raise _unreachable(repository, error) from error
    except hub.EntryNotFoundError:
        return None
    except hub.RepositoryNotFoundError:
        raise InputError(
            f"[weights] expected a public repository on the hub, got no access to {repository!r};"
            " check its name, or log in with `hf auth login`"
        ) from None
    except hub.HFValidationError as error:
        raise InputError(
            f"[weights] expected hf:owner/repository, got {repository!r} ({error})"
        ) from None
    except Exception as error:  # the hub's client raises any error of its transport
        raise _unreachable(repository, error) from error


def _unreachable(repository: str, error: Exception) -> InputError:
    reason = str(error).split("\n")[0][:200]
    return InputError(
        f"[weights] expected the hub to deliver {repository}, got {type(error).__name__}:"
        f" {reason}; connect to the network, or pass --weights FILE (weights=FILE) or --weights"
        " random (weights='random'), or point HF_HOME at a cache that has it (with"
        " HF_HUB_OFFLINE=1 nothing else is asked)"
    )
