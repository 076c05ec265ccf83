"""Recognize the kind of a file by its first bytes, and of an archive by the names inside.

The suffix does not matter.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

SAFETENSORS = "safetensors"
PICKLE = "a pickle"
TORCH_ZIP = "a PyTorch archive"
TORCHSCRIPT = "a TorchScript archive"
EXPORTED = "a torch.export archive"
PACKAGED = "a compiled torch.export archive"
INDEX = "a JSON index"

LARGEST_HEADER = 100_000_000  # bytes, the limit of the safetensors format
_TAR_AT, _TAR = 257, b"ustar"
# First bytes of files that users pass by mistake, and what to do about it.
_FOREIGN = (
    (0, b"\x1f\x8b", "a gzip file; unpack it with gunzip first"),
    (0, b"BZh", "a bzip2 file; unpack it with bunzip2 first"),
    (0, b"\xfd7zXZ", "an xz file; unpack it with unxz first"),
    (0, b"\x28\xb5\x2f\xfd", "a zstd file; unpack it with unzstd first"),
    (0, b"7z\xbc\xaf", "a 7-Zip archive; unpack it first"),
    (_TAR_AT, _TAR, "a tar archive; unpack it first"),
    (0, b"\x89HDF", "an HDF5 file, as Keras writes it; save the PyTorch model's state_dict()"),
    (0, b"\x93NUMPY", "a NumPy array; save model.state_dict() with torch.save"),
    (0, b"GGUF", "a GGUF file; pass the checkpoint that it was made from"),
    (4, b"ET12", "an ExecuTorch program; pass the checkpoint that it was made from"),
    (4, b"TFL3", "a LiteRT model; pass the checkpoint that it was made from"),
    (0, b"version https://git-lfs", "a Git LFS pointer; fetch the file with git lfs pull"),
    (0, b"<", "a web page or XML, not what the link promised; download the file itself"),
)


def kind_of(path: Path) -> str:
    """Return the kind of a file: a constant above, or a description with a remedy."""
    with path.open("rb") as file:
        head = file.read(512)
    if not head:
        return "an empty file"
    if head[:4] == b"PK\x03\x04":
        return _kind_of_zip(path)
    length = int.from_bytes(head[:8], "little")
    if len(head) > 8 and 2 <= length <= LARGEST_HEADER and head[8:9] == b"{":
        return SAFETENSORS
    if head[:1] == b"\x80" and head[1:2] in b"\x02\x03\x04\x05":
        return PICKLE
    start = head.lstrip()
    if start.startswith(b"{"):
        return INDEX
    for offset, magic, description in _FOREIGN:
        if (start if magic == b"<" else head)[offset:].startswith(magic):
            return description
    return f"unknown content that begins with {head[:8].hex(' ')}"


def _kind_of_zip(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.partition("/")[2] or name for name in archive.namelist()]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return "the beginning of a ZIP archive, cut off"
    if any(name.startswith("data/aotinductor/") for name in names):
        return PACKAGED
    if any("exported_program" in name or name.startswith("models/") for name in names):
        return EXPORTED
    if "constants.pkl" in names or any(name.startswith("code/") for name in names):
        return TORCHSCRIPT
    if "data.pkl" in names:
        return TORCH_ZIP
    if names and all(name.endswith(".npy") for name in names):
        return "NumPy arrays (.npz); save model.state_dict() with torch.save"
    return "a ZIP archive that PyTorch did not write; unpack it first"
