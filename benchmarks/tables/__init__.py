"""Render the results as the tables and figures of the README and docs."""
