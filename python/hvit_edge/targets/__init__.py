"""Turn rewritten graphs into programs."""
