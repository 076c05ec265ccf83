"""Name the tasks of artifacts."""

CLASSIFY, TENSOR = "classify", "tensor"
"""Photo to classes, and arrays to arrays."""
EMBED, SEGMENT, DETECT = "embed", "segment", "detect"
"""Photo to a vector, to a class for each pixel, and to boxes."""
PHOTO_TASKS = (CLASSIFY, EMBED, SEGMENT, DETECT)
"""The tasks whose input is a photo."""
EMBEDDING, LOGITS, OFFSETS = "embedding", "logits", "offsets"
"""Names of the outputs of programs."""
L2, NONE = "l2", "none"
"""How a runtime normalizes an embedding."""
NORMALIZATIONS = (L2, NONE)
