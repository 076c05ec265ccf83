"""Measure: times of programs and processes, the machine, and the files that hold the results."""
