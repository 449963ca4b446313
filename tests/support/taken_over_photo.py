"""The program that looks at photos for `leapfrog verify`, taken over by a photo: it tries what `attacks.py` lists, and
prints what came of it.
"""

import json
import sys

from leapfrog.trials import code_photo
from support.attacks import FORBIDDEN, try_all


def _taken_over(_content: bytes) -> list[str]:
    sys.stdout.write(json.dumps(try_all(FORBIDDEN)))
    sys.stdout.flush()
    sys.exit(0)


if __name__ == "__main__":
    setattr(code_photo, "codes_in", _taken_over)  # noqa: B010 - as a photo would
    sys.exit(code_photo.main())
