"""Deploy hybrid vision transformers from PyTorch to edge devices, and check parity at each step."""

from importlib import import_module

__version__ = "0.1.0"

# Loaded on first use, so that running an artifact never imports torch.
_PUBLIC = {
    "Artifact": "compiler.report",
    "Classifier": "runtime",
    "Detection": "runtime",
    "Detector": "runtime",
    "Embedder": "runtime",
    "InputSpec": "artifact.input_spec",
    "PackageSession": "tensors.package_session",
    "Mask": "runtime",
    "Outcome": "compiler.compile_many",
    "Prediction": "runtime",
    "Preprocess": "preprocess",
    "Segmenter": "runtime",
    "Session": "runtime",
    "compile": "compiler.compile_model",
    "compile_many": "compiler.compile_many",
    "create_model": "weights",
    "list_models": "models",
    "load_image": "preprocess",
    "load_weights": "weights",
    "validate": "parity",
}
__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str) -> object:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'hvit_edge' has no attribute {name!r}")
    from hvit_edge.boundary.public import unforeseen
    from hvit_edge.boundary.quiet import quiet
    from hvit_edge.boundary.rare_collection import rarely_collected

    try:
        with quiet(), rarely_collected():  # PyTorch and ExecuTorch log while they are imported
            return getattr(import_module(f"hvit_edge.{_PUBLIC[name]}"), name)
    except ModuleNotFoundError as error:
        raise unforeseen(name, error) from error


def __dir__() -> list[str]:
    return sorted(__all__)
