"""Where modules come from: our registry, a user's file, timm and transformers.

`address.py` and `arguments.py` read what the user typed, and import no torch. `named_model` builds
the module. timm and transformers are imported by an address that names them, never otherwise.
"""

from hvit_edge.sources.address import Address, read_address

__all__ = ["Address", "read_address"]
