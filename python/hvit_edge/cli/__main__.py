"""`python -m hvit_edge.cli` is `hvit-edge`."""

import sys

from hvit_edge.cli import main

sys.exit(main())
