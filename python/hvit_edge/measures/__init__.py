"""Compare outputs, and say how far apart they may be."""
