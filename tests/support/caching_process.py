"""Makes a picture cache in a process of its own: `python -m support.caching_process CACHE DIE_AFTER PICTURE...`.

It dies by SIGKILL after that many chunks; 0 is never.
"""

import os
import signal
import sys
from pathlib import Path

from leapfrog.packages.manifest import ModelInput
from leapfrog_training.datasets import picture_cache

if __name__ == "__main__":
    folder, die_after, *names = sys.argv[1:]
    picture_cache.CHUNK = 4
    made = 0
    whole = picture_cache._pictures_at

    def counted(taken: ModelInput, paths: list[Path]) -> object:
        global made  # noqa: PLW0603  the process counts for itself
        made += 1
        if made == int(die_after):
            os.kill(os.getpid(), signal.SIGKILL)
        return whole(taken, paths)

    picture_cache._pictures_at = counted  # type: ignore[assignment]
    picture_cache.cached_pictures([Path(name) for name in names], 16, 24, Path(folder))
    print("chunks", made)
