"""The process that fuzzes one target with atheris: `python -m fuzzing.fuzzer NAME OPTIONS`, started by `campaign.py`.

libFuzzer, which is inside atheris, ends a process at the first input that breaks something. Here such an input is kept,
one for each place, and the fuzzer goes on. Only what ends the process all the same, such as a decoder that crashes, is
left to libFuzzer, which writes the input down.
"""

import argparse
import hashlib
import subprocess
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import atheris

if TYPE_CHECKING:  # not at run time: what is imported before it is instrumented is not followed
    from fuzzing.target import Target

HANGS_SECONDS = 30  # of the clock, after which libFuzzer ends the process: nothing takes so long
MOST_MEBIBYTES = 3072
MOST_FINDS = 20  # of one process


def main() -> None:
    """Fuzz until the time is over. Does not return: libFuzzer ends the process."""
    arguments = _parse()
    sys.setrecursionlimit(1000)  # as in the daemon, whatever atheris has set
    target = _load(arguments.target)
    from fuzzing.target import check

    places: set[str] = set()

    def test_one(content: bytes) -> None:
        try:
            check(target, content)
        except Exception as problem:
            place = _place(problem)
            if place not in places and len(places) < MOST_FINDS:
                places.add(place)
                _keep(arguments.finds, content, problem)

    atheris.Setup([sys.argv[0], *_options(arguments, target.longest_bytes)], test_one)
    atheris.Fuzz()


def _load(name: str) -> "Target":
    """The target, with branches counted in the modules that it follows, and in nothing else."""
    follows = _follows(name)
    with atheris.instrument_imports(include=follows, enable_loader_override=False):
        from fuzzing.target import load

        return load(name)


def _follows(name: str) -> list[str]:
    """Read from the target in another process, for the same reason."""
    asked = f"from fuzzing.target import load; print(*load({name!r}).follows)"
    answer = subprocess.run([sys.executable, "-c", asked], capture_output=True, check=True, text=True)
    return answer.stdout.split()


def _options(arguments: argparse.Namespace, longest_bytes: int) -> list[str]:
    return [
        f"-max_total_time={max(1, round(arguments.seconds))}",
        f"-max_len={longest_bytes}",
        f"-timeout={HANGS_SECONDS}",
        f"-rss_limit_mb={MOST_MEBIBYTES}",
        f"-artifact_prefix={arguments.finds}/",
        f"-seed={arguments.seed}",
        "-print_final_stats=1",
        "-verbosity=1",
        *map(str, arguments.corpus),
    ]


def _place(problem: Exception) -> str:
    """Where something broke: two inputs that break the same place are one find."""
    frames = [frame for frame in traceback.extract_tb(problem.__traceback__) if "leapfrog" in frame.filename]
    last = f"{frames[-1].filename}:{frames[-1].name}" if frames else ""
    return f"{type(problem).__name__} {last} {str(problem)[:60] if not frames else ''}"


def _keep(folder: Path, content: bytes, problem: Exception) -> None:
    name = hashlib.sha1(content).hexdigest()[:16]
    (folder / name).write_bytes(content)
    (folder / f"{name}.txt").write_text("".join(traceback.format_exception(problem)), encoding="utf-8")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--finds", type=Path, required=True, help="where inputs go that break something")
    parser.add_argument("corpus", type=Path, nargs="+", help="folders of inputs; new ones go into the first")
    return parser.parse_args()


if __name__ == "__main__":
    main()
