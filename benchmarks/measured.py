"""Runs labgen's command line in this process and writes what it cost to a file: FILE WORD…"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

from labgen.__main__ import main

if __name__ == "__main__":
    file, sys.argv[1:] = Path(sys.argv[1]), sys.argv[2:]
    try:
        main()
    finally:
        own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
        cost = {
            "cpu": own.ru_utime + own.ru_stime,
            "cpu_children": children.ru_utime + children.ru_stime,
            "peak_mib": own.ru_maxrss / 1024,
            # Of the largest child, with its own children, not of all together.
            "peak_child_mib": children.ru_maxrss / 1024,
        }
        file.write_text(json.dumps(cost))
