"""``confoundbench`` on backbones that are hardly trained; started by the kill test as a process of its own.

The setting stands at the top of the file because worker processes read the file again.
"""

from __future__ import annotations

import sys

from benchmark.tasks import pretraining

pretraining.PRETRAINING_TEXTS = 600

if __name__ == "__main__":
    from benchmark.cli.main import invoke

    sys.exit(invoke(sys.argv[1:]))
