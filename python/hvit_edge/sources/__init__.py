"""Get modules from our registry, a user's file, timm or transformers.

`address.py` and `arguments.py` read the user's input and do not import torch. `named_model` builds
the module. timm and transformers are imported only if an address names them.
"""

from hvit_edge.sources.address import Address, check_address

__all__ = ["Address", "check_address"]
