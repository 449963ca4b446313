"""How long a film's report takes while the report of a large exam is made, with its PDF: beside it, nobody waits."""

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from pydicom import dcmread

from benchmarks.parts import Run
from benchmarks.receivers import remove
from benchmarks.results import Measurement, at_most
from support.dcmtk import store
from support.exams import chest_radiograph, fetal_head_cine, iterate_instances, write_instances
from support.kiosk import Kiosk
from support.modality import Modality
from support.waiting import wait_until

IMAGES = 300  # of the large exam
SMALL_IMAGES = 12  # an exam of no more is closed on the lane that the film waits for
FILMS_ALONE = 9
MOST_FILMS = 200
POLL_SECONDS = 0.02
PAUSE_SECONDS = 0.1  # between two films
TOO_LONG_SECONDS = 300.0


def measure(run: Run) -> None:
    """With one lane, and with two: films by themselves, then while an exam closes, of many images and of few."""
    for images in (max(30, round(IMAGES * run.dose)), SMALL_IMAGES):
        exam = [one.path for one in write_instances(fetal_head_cine(), run.directory / "exam", images)]
        for lanes in (1, 2):
            _measure(run, exam, lanes)
        remove(run.directory / "exam")


def _measure(run: Run, exam: list[Path], lanes: int) -> None:
    run.progress.say(f"films beside an exam of {len(exam)} images that closes, lanes: {lanes}")
    films = _films(run.directory / "films")
    kiosk = Kiosk(run.directory / "box", engine={"lanes": lanes})
    with kiosk:
        kiosk.wait_until_ready()
        alone = [_seconds_to_report(kiosk, next(films)) for _ in range(FILMS_ALONE)]
        beside = list(_beside(kiosk, exam, films))
    median, usual = statistics.median(beside), statistics.median(alone)
    remark = f"{len(beside)} films, {len(exam)} images"
    if len(exam) == SMALL_IMAGES:
        group = f"A film's report while an exam of {SMALL_IMAGES} images closes"
        longer = max(0.0, max(beside) - usual)
        name = f"lanes: {lanes}, the slowest, longer than usual"
        run.results.add(Measurement(group, name, longer, "s", None, (), remark))
    else:
        group = "A film's report while a large exam closes, beside that of a film alone"
        run.results.add(Measurement(group, f"lanes: {lanes}, median", median / usual, "times", at_most(2), (), remark))
        slowest = max(beside)
        run.results.add(
            Measurement(group, f"lanes: {lanes}, slowest", slowest / usual, "times", at_most(4), (), remark)
        )
        run.results.add(Measurement(group, f"lanes: {lanes}, slowest film", slowest, "s", None, (), remark))
    remove(run.directory / "box")
    remove(run.directory / "films")


def _films(folder: Path) -> Iterator[Path]:
    """One film after the other, each of an exam of its own, which is removed when the next is wanted."""
    film = chest_radiograph(1024, 1250)
    for number in range(MOST_FILMS):
        for made in iterate_instances(film, folder / str(number), 1):
            yield made.path
        remove(folder / str(number))


def _beside(kiosk: Kiosk, exam: list[Path], films: Iterator[Path]) -> Iterator[float]:
    """Seconds to the report of each film that is sent from when the exam has been read until it is closed."""
    known = _reports(kiosk)
    if not store(kiosk.port, exam).succeeded:
        raise RuntimeError("the exam could not be sent")
    (report,) = wait_until(lambda: _reports(kiosk) - known, "its report", deadline_seconds=TOO_LONG_SECONDS)
    wait_until(lambda: not kiosk.status()["instances"]["received"], "it is read", deadline_seconds=TOO_LONG_SECONDS)
    read_at = time.time()
    for film in films:
        yield _seconds_to_report(kiosk, film)
        if _written_after(report.with_suffix(".pdf"), read_at):
            return
        time.sleep(PAUSE_SECONDS)
    raise RuntimeError(f"the exam was not closed within {MOST_FILMS} films")


def _written_after(file: Path, moment: float) -> bool:
    try:
        return file.stat().st_ctime > moment
    except FileNotFoundError:  # of a version that has none
        return False


def _seconds_to_report(kiosk: Kiosk, path: Path) -> float:
    dataset, known = dcmread(path), _reports(kiosk)
    association = Modality().associate(kiosk.port, str(dataset.SOPClassUID))
    status = association.send_c_store(dataset)
    answered = time.time()
    association.release()
    if status.Status != 0x0000:
        raise RuntimeError(f"the box answered {status.Status:#06x}")
    (report,) = wait_until(
        lambda: _reports(kiosk) - known, "the report", deadline_seconds=60, poll_seconds=POLL_SECONDS
    )
    return report.stat().st_ctime - answered


def _reports(kiosk: Kiosk) -> set[Path]:
    return set(kiosk.reports_dir.glob("*/*/report.json"))
