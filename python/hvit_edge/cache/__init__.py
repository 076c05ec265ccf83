"""Keep results of compilations, and use them again if they are certain to be the same.

Five kinds of results take time and are small enough to keep:

    exported    the graph of a module            key: the module's code, attributes and weights
    rewritten   a graph after its rewrites       key: the exported graph, the names of the rewrites
    rounded     the int8 weights of a graph      key: the reference graph, the calibration inputs
    ranges      of activations for Core ML       key: the same
    measured    the noise of each layer          key: both graphs, the inputs

The keys are digests of content, never names or times of files. Every key includes the versions of
the libraries and a digest of the sources of hvit-edge. If it is not certain that two inputs are the
same, there is no key, and the result is computed: the graph of a module with code outside PyTorch,
timm and hvit-edge is always exported again.

A result from the cache passes the same gates as a new one, and leads to the same program.

    settings.py       the folder, and the largest size
    store.py          sealed files in this folder, the least recently used are deleted first
    entry.py          what is in a file: JSON and tensors, nothing that is executed
    packed_graph.py   a graph as an entry
    module_digest.py  the digest of a module, or None
    versions.py       the versions that all keys include
    reuse.py          one compilation's use of the store
"""
