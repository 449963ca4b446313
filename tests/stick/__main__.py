"""`tests/stick/run NAME`: whatever may befall a stick, and a table of what came of it."""

import argparse
import importlib
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Protocol, Self

from support.machine import describe

# Each is a module of this package with a `Scene`, which is a context manager.
COMMANDS = ("exporting", "importing", "file-systems", "receiving")
RESULTS = Path(__file__).with_name("results")
MOST_REMARKS = 3


class Case(Protocol):
    """Something that may happen."""

    @property
    def label(self) -> str:
        """What it is; many cases may have one label."""


class Scene(Protocol):
    """Where it happens."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def cases(self) -> Sequence[Case]:
        """All that may happen."""

    def meets(self, case: Case) -> list[str]:
        """What is wrong afterwards; nothing should be."""


@dataclass
class Row:
    """What came of all cases with one label."""

    label: str
    times: int = 0
    wrong: list[str] = field(default_factory=list)


def main() -> int:
    """Exit status 1 when anything is not as promised."""
    arguments = _parse()
    rows: dict[str, Row] = {}
    chance = random.Random(arguments.seed)
    folder = Path(tempfile.mkdtemp(prefix="lf.", dir=arguments.directory))
    began = time.monotonic()
    try:
        module = importlib.import_module(f"stick.{arguments.name.replace('-', '_')}")
        with module.Scene(folder) as scene:
            every = scene.cases()
            count = min(arguments.count or len(every), len(every))
            chosen = every if count == len(every) else chance.sample(every, count)
            for number, case in enumerate(chosen, start=1):
                row = rows.setdefault(case.label, Row(case.label))
                row.times += 1
                row.wrong += scene.meets(case)
                if number % 20 == 0:
                    print(f"{number} of {count}", flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    lines = _table(arguments, rows, len(every), time.monotonic() - began)
    arguments.results.mkdir(exist_ok=True)
    (arguments.results / f"{arguments.name}.md").write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))
    return int(any(row.wrong for row in rows.values()))


def _table(arguments: argparse.Namespace, rows: dict[str, Row], every: int, seconds: float) -> list[str]:
    times, wrong = sum(row.times for row in rows.values()), sum(len(row.wrong) for row in rows.values())
    return [
        f"# {arguments.name}",
        "",
        f"{date.today():%d %B %Y}. {times} of {every} cases in {seconds:,.0f} s. Seed: {arguments.seed}.",
        "",
        *(f"- {key}: {value}" for key, value in describe(arguments.directory).items()),
        "",
        "| what happened | times | not as promised | remarks |",
        "| --- | --- | --- | --- |",
        *(
            f"| {row.label} | {row.times} | {len(row.wrong)} | {_remarks(row)} |"
            for row in sorted(rows.values(), key=lambda row: row.label)
        ),
        f"| all | {times} | {wrong} | |",
        "",
    ]


def _remarks(row: Row) -> str:
    return "; ".join(row.wrong[:MOST_REMARKS]).replace("|", "/").replace("\n", " ")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests/stick/run", description=__doc__)
    parser.add_argument("name", choices=COMMANDS)
    parser.add_argument("--count", type=int, help="so many cases, chosen at random, instead of all")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="for the same choice again")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FOLDER", help="where the table goes")
    parser.add_argument("--directory", type=Path, default=Path("/var/tmp"), help="where to work (%(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
