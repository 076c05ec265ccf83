"""Guard public functions: unify errors, and hide warnings and logs of libraries."""
