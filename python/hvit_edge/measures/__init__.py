"""Compare outputs, and define the tolerances."""
