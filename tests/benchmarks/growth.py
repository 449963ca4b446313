"""Whether the box is as quick after years as on its first day: with 1,000,000 images in its journal and its spool,
20,000 open studies, and 100,000 files in a watched folder.
"""

import os
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.parts import Run
from benchmarks.receivers import remove
from benchmarks.results import Measurement, Results, at_most
from leapfrog.exam_number import exam_number
from leapfrog.state.exam_numbers import FACT as RESERVED_NUMBERS
from leapfrog.state.facts import put
from leapfrog.state.journal import JOURNAL_NAME, Journal
from support.dcmtk import store
from support.exams import ultrasound, write_instances
from support.journal_rows import fill
from support.kiosk import Kiosk
from support.progress import Progress
from support.waiting import wait_until

GROUP = "Growth"
QUIET_SECONDS = 3600.0  # so that what is open stays open while it is measured
LINKS_PER_FILE = 50_000  # ext4 allows 65,000 names of one file
STATUS_SAMPLES = 20
IMAGES = 40
ROUNDS = 3
SETTLE_SECONDS = 300.0
START_SECONDS = 600.0


@dataclass(frozen=True)
class Age:
    """How much a box holds."""

    name: str
    rows: int
    open_studies: int
    folder_files: int


def measure(run: Run) -> None:
    """A young box and an old one, in turn where a disk's speed of the moment counts."""
    young = Age("young", 100, 10, 10)
    old = Age("old", *(max(100, round(full * run.dose)) for full in (1_000_000, 20_000, 100_000)))
    kiosks = {}
    for age in (young, old):
        run.progress.say(f"making the {age.name} box: {age.rows:,} images, {age.folder_files:,} files in its folder")
        kiosks[age] = _make(run.directory / age.name, age)
    run.results.add(
        Measurement(
            GROUP,
            "the old box",
            old.rows,
            "rows",
            remark=f"{old.open_studies:,} open studies, {old.folder_files:,} files in a folder; young: {young.rows}",
        )
    )
    with ExitStack() as stack:
        for age, kiosk in kiosks.items():
            run.progress.say(f"the start of the {age.name} box")
            _measure_start(run.results, kiosk, age, stack, is_old=age is old)
        for age, kiosk in kiosks.items():
            run.progress.say(f"until the {age.name} box is at rest")
            _settle(kiosk)
            samples = [_seconds(kiosk.status) for _ in range(STATUS_SAMPLES)]
            run.results.add_median(GROUP, f"status, {age.name} box", samples, "s", at_most(0.2) if age is old else None)
        _measure_images(
            run.results, run.directory, kiosks, max(4, round(IMAGES * min(1.0, 10 * run.dose))), run.progress
        )
    for kiosk in kiosks.values():
        remove(kiosk.directory)


def _measure_start(results: Results, kiosk: Kiosk, age: Age, stack: ExitStack, *, is_old: bool) -> None:
    began = time.perf_counter()
    kiosk.launch()
    stack.push(kiosk.__exit__)
    answered = wait_until(
        lambda: time.perf_counter() if _answers(kiosk) else None,
        "it answers `status`",
        deadline_seconds=START_SECONDS,
        poll_seconds=0.005,
    )
    wait_until(kiosk.accepts_connections, "it listens", deadline_seconds=START_SECONDS, poll_seconds=0.005)
    listened = time.perf_counter()
    aim = at_most(1.0) if is_old else None
    results.add(Measurement(GROUP, f"from exec to listening, {age.name} box", listened - began, "s", aim))
    results.add(Measurement(GROUP, f"from exec to an answer to `status`, {age.name} box", answered - began, "s"))
    results.add(Measurement(GROUP, f"status right after the start, {age.name} box", _seconds(kiosk.status), "s", aim))


def _answers(kiosk: Kiosk) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        return connection.connect_ex(str(kiosk.state_dir / "control.sock")) == 0


def _settle(kiosk: Kiosk) -> None:
    """Until its models are loaded and it has looked through its folder."""
    kiosk.wait_until_ready()
    used = [_processor_seconds(kiosk)]

    def at_rest() -> bool:
        time.sleep(2.0)
        used.append(_processor_seconds(kiosk))
        return used[-1] - used[-2] < 0.5

    wait_until(at_rest, "it is at rest", deadline_seconds=SETTLE_SECONDS)


def _processor_seconds(kiosk: Kiosk) -> float:
    """What the main process has used."""
    fields = Path(f"/proc/{kiosk.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _measure_images(
    results: Results, directory: Path, kiosks: dict[Age, Kiosk], count: int, progress: Progress
) -> None:
    """Small images, so that the box is measured and not decoding; each an exam of its own, read and reported."""
    seconds: dict[Age, list[float]] = {age: [] for age in kiosks}
    for number in range(ROUNDS + 1):
        progress.say(f"{count} images through each box, round {number} of {ROUNDS}")
        for age, kiosk in kiosks.items():
            folder = directory / "images"
            images = write_instances(ultrasound(64, 64), folder, count, studies=count)
            taken = _seconds_an_image(kiosk, [image.path for image in images])
            remove(folder)
            if number:  # the first round loads what is loaded late
                seconds[age].append(taken)
    young, old = (
        results.add_median(GROUP, f"an image received, read and reported, {age.name} box", taken, "s")
        for age, taken in seconds.items()
    )
    results.add_median(GROUP, "an image, growth", [old / young], "x", at_most(1.25))


def _seconds_an_image(kiosk: Kiosk, files: list[Path]) -> float:
    read_before = _settled_instances(kiosk)
    began = time.perf_counter()
    outcome = store(kiosk.port, files)
    if not outcome.succeeded:
        raise RuntimeError(outcome.text[-2000:])
    wait_until(
        lambda: _settled_instances(kiosk) == read_before + len(files) and not _lacking(kiosk),
        "all are read and reported",
        deadline_seconds=600,
        poll_seconds=0.02,
    )
    return (time.perf_counter() - began) / len(files)


def _settled_instances(kiosk: Kiosk) -> int:
    counts: dict[str, int] = kiosk.status()["instances"]
    return sum(counts.values()) - counts["received"]


def _lacking(kiosk: Kiosk) -> bool:
    newest = "(SELECT max(sequence) - 1000 FROM studies)"
    return bool(kiosk.rows(f"SELECT 1 FROM studies WHERE sequence > {newest} AND version = 0 LIMIT 1"))


def _seconds(step: Callable[[], object]) -> float:
    began = time.perf_counter()
    step()
    return time.perf_counter() - began


# ---------------------------------------------------------------- making an old box


def _make(directory: Path, age: Age) -> Kiosk:
    kiosk = Kiosk(
        directory,
        report={"quiet_seconds": QUIET_SECONDS},
        folder={"settle_seconds": 2.0, "rescan_seconds": 10.0},  # as delivered
    )
    kiosk.start()
    wait_until(lambda: kiosk.rows("SELECT 1 FROM facts WHERE name = 'reports_folder'"), "it knows its folder")
    kiosk.kill()  # as a box that ran before, and lost its power
    kiosk.wait_for_no_orphans()
    journal = Journal(kiosk.state_dir / JOURNAL_NAME)
    fill(journal, age.rows)
    with journal.transaction() as connection:
        connection.execute(
            "UPDATE studies SET state = 'open' WHERE sequence IN (SELECT sequence FROM studies ORDER BY sequence DESC"
            " LIMIT ?)",
            (age.open_studies,),
        )
        # As a box has them that did not just come from a version without numbers.
        connection.executemany(
            "UPDATE studies SET exam_number = ? WHERE sequence = ?",
            ((exam_number(ordinal), ordinal) for ordinal in range(1, age.rows + 1)),
        )
        put(connection, RESERVED_NUMBERS, str(age.rows + 1))
    (content,) = write_instances(ultrasound(16, 16), directory / "content", 1)
    _link_spool_files(kiosk, content.path, age.rows)
    _link_folder_files(journal, kiosk, content.path, age.folder_files)
    journal.close()
    return kiosk


def _link_spool_files(kiosk: Kiosk, content: Path, count: int) -> None:
    _link(content.read_bytes(), kiosk.spool_dir, [f"old{number}.dcm" for number in range(1, count + 1)])


def _link_folder_files(journal: Journal, kiosk: Kiosk, content: Path, count: int) -> None:
    """Files that were all taken, in folders of a thousand, as an archive on a share has them."""
    rows = []
    for first in range(0, count, 1000):
        folder = kiosk.inbox / f"{first:06d}"
        folder.mkdir(parents=True)
        names = [f"{number}.dcm" for number in range(first, min(count, first + 1000))]
        _link(content.read_bytes(), folder, names)
        state = (folder / names[0]).stat()
        rows += [(str(folder / name), state.st_size, state.st_mtime_ns, state.st_ino, "old1") for name in names]
    with journal.transaction() as connection:
        connection.executemany(
            "INSERT INTO folder_files (path, byte_count, modified_ns, inode, instance_id) VALUES (?, ?, ?, ?, ?)", rows
        )


def _link(content: bytes, folder: Path, names: list[str]) -> None:
    """Files with this content: names of few files, since writing a million takes long and proves nothing more."""
    for first in range(0, len(names), LINKS_PER_FILE):
        original = folder / names[first]
        original.write_bytes(content)
        for name in names[first + 1 : first + LINKS_PER_FILE]:
            os.link(original, folder / name)
