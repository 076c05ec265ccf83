"""Run artifacts and searches on a Ray cluster; imports ray only inside of functions."""
