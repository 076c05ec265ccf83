"""The runtimes that hvit-edge is compared with.

`contestants` and `prepare_peers` run in the environment of hvit-edge; the other files are scripts
of the peers' own environments, and import only each other.
"""
