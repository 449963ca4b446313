"""The program that examines documents of a district, taken over by one: it tries what `attacks.py` lists, and prints
what came of it.
"""

import json
import sys

from leapfrog.trials import answer_document
from support.attacks import FORBIDDEN, try_all


def _taken_over(_content: bytes) -> None:
    sys.stdout.write(json.dumps(try_all(FORBIDDEN)))
    sys.stdout.flush()
    sys.exit(0)


if __name__ == "__main__":
    setattr(answer_document, "examine", _taken_over)  # noqa: B010 - as a document would
    sys.exit(answer_document.main())
