"""A program that opens one folder and says what came of it: a dead share may hold it for ever, and nobody else.

A thread would not do: one that the kernel holds keeps its whole process from ending.
"""

import os
import sys


def main() -> int:
    """The exit status is 0 when the folder can be read, else the number of the error (errno(3))."""
    try:
        with os.scandir(sys.argv[1]) as entries:
            next(entries, None)
    except OSError as problem:
        return problem.errno or 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
