"""The worklist in a real Chromium: how soon it is seen, how soon an exam is found among thousands, what one exam more
writes, how soon a box that stopped looks stopped, and what fonts add to the page of an exam.
"""

import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from benchmarks.parts import Run
from benchmarks.results import Measurement, Results, at_most
from leapfrog.heartbeat.heartbeat import alive_page
from leapfrog.language.speaker import Speaker
from leapfrog.reader.report.page import render_page
from leapfrog.state.journal import Journal
from leapfrog.wording.report_words import WorklistRow
from leapfrog.worklist.box_line import BoxForStaff
from leapfrog.worklist.writer import WorklistWriter
from support.browser import Browser, chromium_program
from support.names import NAMES
from support.readings import PATIENT, chest_reading, report_job, report_words

GROUP = "Worklist"
COUNTS = (300, 5_000, 20_000)
SEARCHED = 5_000
WEIGHED = ("Polish", "Hebrew", "Hindi", "Amharic")  # without a font, with the lightest, a middling and the heaviest
DAYS_PER_EXAM = 1 / 20  # twenty exams a day
ROUNDS = 5
HAND_SECONDS, LETTER_SECONDS = 0.5, 0.15  # from the first touch of the mouse to the field, and from letter to letter
FIRST_NAMES = ("Grace", "Sarah", "Łukasz", "Mary", "Aisha Namukasa", "José", "Peter", "Fatuma")
FAMILY_NAMES = ("Okello", "Nakato", "Żółć", "Mbeki", "Wanjiku", "Nguyễn", "Achieng", "Mwangi", "Hassan")
HEADLINES = (
    ("nothing_flagged", "Nothing flagged"),
    ("look", "2 findings need a look: Pleural effusion, Infiltration"),
    ("not_assessed", "Not assessed"),
    ("measured", "Head circumference 175.0 mm"),
)
# Typed as a person would; returns the milliseconds until everything found is shown.
SEARCH = """
new Promise((done) => {
  const search = document.getElementById("search"), count = document.getElementById("count");
  search.value = TEXT;
  const began = performance.now();
  search.dispatchEvent(new Event("input"));
  const look = () => (count.textContent.includes("looking") ? setTimeout(look, 1)
    : requestAnimationFrame(() => done([performance.now() - began, count.textContent])));
  look();
})
"""


class _Box:
    """A journal of `count` exams, and a writer that has written all of them."""

    def __init__(self, directory: Path, count: int) -> None:
        self.directory = directory / "rendered"
        self.directory.mkdir(parents=True)
        self.journal = Journal(directory / "journal.sqlite")
        self.count = 0
        self.add(count)
        self.writer = WorklistWriter(self.directory, self.journal, _state, lambda _identity, _older: None)
        while self.writer._to_look_at is None or self.writer._to_look_at:
            self.writer._write()

    def add(self, count: int) -> None:
        """Exams that are read and sent, a twentieth of a day apart."""
        numbers = range(self.count, self.count + count)
        self.count += count
        with self.journal.transaction() as connection:
            connection.executemany(
                "INSERT INTO studies (key, study_instance_uid, patient_id, issuer, received_at, received_date, state,"
                " version, published_version, changes, reported_changes, worklist_row)"
                " VALUES (?1, ?1, ?1, '', ?2, ?2, 'quiet', 1, 0, 1, 1, ?3)",
                [(f"{number:016x}", _day(number), _row(number).model_dump_json()) for number in numbers],
            )
            connection.executemany(
                "INSERT INTO instances (id, study_key, state, sop_instance_uid, sop_class_uid, source, received_at,"
                " spool_name, byte_count) VALUES (?1, ?1, 'read', ?1, '1.2', 'MODALITY', '', ?1, 1000)",
                [(f"{number:016x}",) for number in numbers],
            )
            connection.executemany(
                "INSERT INTO deliveries (id, kind, study_key, instance_id, state, sop_class_uid, sop_instance_uid,"
                " created_at) VALUES (?1, 'original', ?1, ?1, 'confirmed', '1.2', ?1, '')",
                [(f"{number:016x}",) for number in numbers],
            )
            connection.execute("UPDATE studies SET published_version = 1 WHERE published_version = 0")

    def written_by_one_more(self) -> int:
        """How many bytes of pages one exam more writes."""
        before = {path: path.stat().st_mtime_ns for path in self.directory.rglob("*.html")}
        self.add(1)
        self.writer._write()
        return sum(
            path.stat().st_size
            for path in self.directory.rglob("*.html")
            if path.stat().st_mtime_ns != before.get(path)
        )


def measure(run: Run) -> None:
    """All of it; `dose` makes the larger boxes smaller."""
    if chromium_program() is None:
        run.results.omit(GROUP, "Chromium is not installed")
        return
    for full in COUNTS:
        count = max(300, round(full * run.dose))
        run.progress.say(f"a worklist of {count:,} exams")
        box = _Box(run.directory / f"worklist-{full}", count)
        samples = [float(box.written_by_one_more()) / 1000 for _ in range(ROUNDS)]
        run.results.add_median(GROUP, f"written by one exam more, {count:,} exams", samples, "kB", at_most(200))
        began = time.perf_counter()
        box.writer._write()
        took = (time.perf_counter() - began) * 1000
        run.results.add(Measurement(GROUP, f"a look that finds nothing new, {count:,} exams", took, "ms"))
        if full == SEARCHED:
            _look_at(run.results, box)
        box.journal.close()
    run.progress.say("pages of exams, with names in several scripts")
    _weigh(run.results, run.directory)


def _weigh(results: Results, directory: Path) -> None:
    """What the font of a name's script adds to the page of an exam, in weight and in time."""
    folder = directory / "exam"
    folder.mkdir()
    for language in WEIGHED:
        patient = PATIENT.model_copy(update={"patient_name": NAMES[language]})
        words = report_words(report_job(folder, chest_reading(folder, identity=patient)))
        took = []
        for _ in range(ROUNDS * 4):
            began = time.perf_counter()
            page = render_page(words, Speaker(), version=1, has_pdf=True, worklist_href="../../index.html")
            took.append((time.perf_counter() - began) * 1000)
        results.add(Measurement(GROUP, f"page of an exam, {language} name", len(page.encode()) / 1000, "kB"))
        results.add_median(GROUP, f"rendering it, {language} name", took, "ms")


def _look_at(results: Results, box: _Box) -> None:
    page = box.directory / "index.html"
    name = f"{box.count:,} exams"
    (box.directory / "alive.html").write_text(alive_page("run-1", ""))
    painted, loaded, searched = [], [], []
    for _ in range(ROUNDS):
        with Browser(800, 1200) as browser:  # it has seen none of the pages before
            browser.open(page)
            browser.wait_for("performance.getEntriesByName('first-contentful-paint').length > 0")
            painted.append(browser.value("performance.getEntriesByName('first-contentful-paint')[0].startTime") / 1000)
            loaded.append(_first_search(browser, "nakato 1951"))
            for text in ("zolc", "28/11/2025", "okello grace", "pleural", "kit-4321"):
                searched.append(_search(browser, text)[0])
    results.add_median(GROUP, f"first paint, {name}", painted, "s", at_most(1.0))
    results.add_median(GROUP, f"a search, {name}", searched, "s", at_most(0.5))
    results.add(Measurement(GROUP, f"a search, the slowest, {name}", max(searched), "s"))
    results.add_median(GROUP, f"the first search, {name}", loaded, "s", at_most(0.5))
    with Browser(800, 1200) as browser:
        _stop(results, browser, box.directory, page)


def _search(browser: Browser, text: str) -> tuple[float, str]:
    """Seconds until all is shown that `text` finds, and what is said of it."""
    took, said = browser.value(SEARCH.replace("TEXT", f"{text!r}"))
    return took / 1000, said


def _first_search(browser: Browser, text: str) -> float:
    """Seconds from the last letter until all is shown, where a person goes to the field and types briskly."""
    box = browser.value("document.getElementById('search').getBoundingClientRect().toJSON()")
    x, y = box["x"] + 50, box["y"] + 20
    browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y + 300)
    time.sleep(HAND_SECONDS)
    for kind in ("mousePressed", "mouseReleased"):
        browser.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
    for letter in text[:-1]:
        browser.type(letter)
        time.sleep(LETTER_SECONDS)
    return _search(browser, text)[0]


def _stop(results: Results, browser: Browser, directory: Path, page: Path) -> None:
    """The box speaks for a while and then no more."""
    browser.open(page)
    for number in range(2, 5):
        (directory / "alive.html").write_text(alive_page(f"run-{number}", ""))
        time.sleep(4)
    (directory / "alive.html").write_text(alive_page("run-5", ""))
    began = time.monotonic()
    while browser.value("document.getElementById('stopped').hidden"):
        time.sleep(0.1)
    results.add(Measurement(GROUP, "a box that stopped looks stopped", time.monotonic() - began, "s", at_most(20)))


def _day(number: int) -> str:
    return f"{date(2024, 1, 1) + timedelta(days=int(number * DAYS_PER_EXAM))}"


def _row(number: int) -> WorklistRow:
    kind, headline = HEADLINES[number % len(HEADLINES)]
    family, first = FAMILY_NAMES[number % len(FAMILY_NAMES)], FIRST_NAMES[number % len(FIRST_NAMES)]
    return WorklistRow.model_validate(
        {
            "patient": f"{family}, {first}",
            "patient_id": f"KIT-{number}",
            "age_and_sex": f"{number % 90} years, female",
            "birth_date": f"{1940 + number % 80}-02-17",
            "accession_number": f"A{number:07}",
            "exam_date": _day(number),
            "exam": "CR CHEST",
            "received": f"{_day(number)} 14:25",
            "kind": kind,
            "headline": headline,
            "detail": "This is a lateral view. Send a frontal film." if kind == "not_assessed" else "",
            "images": "1 image",
        }
    )


def _state() -> BoxForStaff:
    return BoxForStaff(
        station="Kitgum",
        listening=True,
        unread=0,
        district_configured=True,
        owed=0,
        district_silent_since="",
        free_bytes=48_000_000_000,
        updated_at=datetime(2026, 11, 28, 14, 30, tzinfo=UTC),
    )
