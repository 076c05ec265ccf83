"""Run `hvit-edge` as `python -m hvit_edge.cli`."""

import sys

from hvit_edge.cli import main

sys.exit(main())
