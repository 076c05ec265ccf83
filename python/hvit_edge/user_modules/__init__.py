"""Modules that users hand over: what can be compiled, and what running a module changes."""
