"""Writes an exam of nobody for each kind of model, as files such as machines send: for the rehearsal of a bundle.

This is a separate process, since phantoms are drawn with what the main process does not load.
"""

import argparse
from pathlib import Path

from leapfrog.engine.host import die_with_parent
from leapfrog.phantoms.exams import as_file, chest_exam, fetal_head_exam
from leapfrog.phantoms.fetal_head import FetalHead

SEED = 1
FRAMES = 4  # enough for a cine; each has the size of a screen


def main() -> int:
    """Write the files into the folder that the arguments name. Returns the exit status."""
    parser = argparse.ArgumentParser(description="Draws phantoms; the rehearsal of a bundle starts it.")
    parser.add_argument("--out", type=Path, required=True, help="an empty folder")
    parser.add_argument("--parent", type=int, required=True, help="the parent's process id; this process ends with it")
    options = parser.parse_args()
    die_with_parent(options.parent)
    exams = {"chest": chest_exam("opaque", SEED), "head": fetal_head_exam(FetalHead(), SEED, frames=FRAMES)}
    for name, exam in exams.items():
        (options.out / f"{name}.dcm").write_bytes(as_file(exam))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
