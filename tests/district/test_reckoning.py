"""config/district/reckoning.md says what was measured and what follows from it. Its numbers are worked out again here
from results/night.md, so that a new measurement never stands beside old conclusions.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

NIGHT = Path(__file__).parent / "results" / "night.md"
RECKONING = Path(__file__).parents[2] / "config" / "district" / "reckoning.md"

TWO, ONE, SQLITE = "two Orthancs on PostgreSQL", "one Orthanc on PostgreSQL", "one Orthanc on SQLite"
WITH_FAULTS, SQLITE_KILLED = f"{TWO}, Orthanc killed, PostgreSQL restarted", f"{SQLITE}, Orthanc killed"
DAYS_A_YEAR, SECONDS_AN_HOUR, SECONDS_A_DAY = 365, 3600, 86400

Rows = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Night:
    """results/night.md: its table, and the sentence below it."""

    rows: Mapping[str, Mapping[str, str]]
    objects_held: str
    image_gigabytes: str
    index_kilobytes: str
    log_kilobytes: str
    megabytes_resident: str
    restore_seconds: str


def rows_of(text: str) -> list[list[str]]:
    """Every row of every table in Markdown."""
    lines = [line for line in text.splitlines() if line.startswith("|") and not re.fullmatch(r"[| -]+", line)]
    return [[cell.replace("*", "").strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.fixture(scope="module")
def night() -> Night:
    text = NIGHT.read_text(encoding="utf-8")
    headings, *others = rows_of(text)
    needs = re.search(
        r"held ([\d,]+) objects afterwards, the images ([\d.]+) GB\. .* had ([\d.]+) kB; .* its log, ([\d.]+) kB"
        r" .* had (\d+) MB resident\. .* took (\d+) s",
        text,
    )
    assert needs is not None, "night.md ends with what PostgreSQL needed"
    return Night({row[0]: dict(zip(headings, row, strict=True)) for row in others}, *needs.groups())


@pytest.fixture(scope="module")
def prose() -> str:
    return " ".join(RECKONING.read_text(encoding="utf-8").split())


@pytest.fixture(scope="module")
def rows() -> Rows:
    """Its tables, by what stands in the first cell of each row."""
    return {row[0]: row[1:] for row in rows_of(RECKONING.read_text(encoding="utf-8"))}


def number(text: str) -> float:
    """The first number in a text."""
    found = re.search(r"\d[\d,]*(\.\d+)?|\.\d+", text)
    assert found is not None, text
    return float(found[0].replace(",", ""))


def row(rows: Rows, beginning: str) -> tuple[str, Sequence[str]]:
    """The one row that begins so."""
    ((name, cells),) = [(name, cells) for name, cells in rows.items() if name.startswith(beginning)]
    return name, cells


def test_what_was_measured_is_what_the_table_of_the_night_says(night: Night, rows: Rows, prose: str) -> None:
    two, faults = night.rows[TWO], night.rows[WITH_FAULTS]
    median, most = float(two["result, s: median"]), float(two["95 %"])
    assert rows["two Orthancs on one PostgreSQL"] == [
        f"{two['objects/s']} objects/s; a result that becomes due in the midst of all that is confirmed after"
        f" {median:.1f} s (median), 95 % within {most:.1f} s"
    ]
    assert rows[ONE] == [f"{night.rows[ONE]['objects/s']} objects/s"]
    sqlite, killed = night.rows[SQLITE]["objects/s"], night.rows[SQLITE_KILLED]["objects/s"]
    assert rows[SQLITE][0].startswith(f"{sqlite} objects/s ({killed} when it is killed in the midst)")
    assert [faults[promise] for promise in ("lost", "twice", "changed", "as promised")] == ["0", "0", "0", "yes"]
    assert rows["two Orthancs, one killed and PostgreSQL restarted in the midst"] == [
        f"{faults['objects/s']} objects/s; {faults['sent again']} objects sent again, none lost, none twice, none"
        " changed, no patient mixed up"
    ]
    held, images = night.objects_held, night.image_gigabytes
    assert row(rows, "room, for each object")[1] == [
        f"{night.index_kilobytes} kB in PostgreSQL, {night.log_kilobytes} kB of its log in the backup"
    ]
    assert rows["memory"] == [f"{night.megabytes_resident} MB an Orthanc after {held} objects"]
    assert rows[f"going back, {held} objects with {images} GB, all images gone"] == [f"{night.restore_seconds} s"]
    assert f"{two['objects']} objects a night" in prose
    assert f"more than {held} objects in the index" in prose


def test_what_a_clinic_sends_is_added_up(rows: Rows, prose: str) -> None:
    exam, clinic = clinic_of(rows)
    kilobytes = sum(number(size) for size in re.findall(r"\d+ kB", row(rows, "results: structured report")[0]))
    parts = [row(rows, beginning)[1] for beginning in ("results: structured report", "originals:")]
    assert number(parts[0][0].split(",")[1]) == round(kilobytes / 1000, 1)
    for place, total in enumerate((exam, clinic)):
        each = [tuple(map(number, part[place].split(","))) for part in parts]
        assert tuple(map(sum, zip(*each, strict=True))) == pytest.approx(total)
    (exams_a_day,) = re.findall(r"a clinic with (\d+) exams a day", prose)
    assert clinic == pytest.approx(tuple(int(exams_a_day) * amount for amount in exam))


def clinic_of(rows: Rows) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Objects and megabytes of an exam, and of a clinic's day."""
    exam, clinic = ([number(part) for part in cell.split(",")] for cell in rows["together"])
    return tuple(exam), tuple(clinic)


def test_what_that_means_is_worked_out_from_what_was_measured(night: Night, rows: Rows) -> None:
    _, (objects_of_clinic, megabytes_of_clinic) = clinic_of(rows)
    rate = night.rows[WITH_FAULTS]["objects/s"]
    timed, times = row(rows, "time to take them, at ")
    assert timed == f"time to take them, at {rate} objects/s (the night with faults)"
    assert rows["objects of 4 MB, six at once (made up: the real ones are smaller), in a run of its own"] == ["61 MB/s"]
    disk_name, disk_times = row(rows, "copying the images back, at ")
    for place, boxes in enumerate(number(cell) for cell in rows["boxes (your number)"]):
        objects, size = boxes * objects_of_clinic, boxes * megabytes_of_clinic * 1e6
        year = objects * DAYS_A_YEAR

        def cell(beginning: str, place: int = place) -> str:
            return row(rows, beginning)[1][place]

        assert number(cell("objects a day")) == objects
        assert_says(cell("bytes a day"), size)
        assert_says(times[place], objects / number(rate))
        assert_says(cell("the same by bytes, at 61 MB/s"), size / 61e6)
        a_second, bits = cell("all of it within an hour of the night").split(",")
        assert_says(a_second, size / SECONDS_AN_HOUR)
        assert_says(bits, size * 8 / SECONDS_AN_HOUR)
        assert_says(cell("images after a year"), size * DAYS_A_YEAR)
        assert_says(cell("PostgreSQL after a year"), year * number(night.index_kilobytes) * 1e3)
        assert_says(cell("backup of its log in a year"), year * number(night.log_kilobytes) * 1e3)
        assert_says(disk_times[place], size * DAYS_A_YEAR / (number(disk_name) * 1e6))


UNITS = {
    "MB": 1e6, "GB": 1e9, "TB": 1e12, "MB/s": 1e6, "Mbit/s": 1e6, "Gbit/s": 1e9,
    "min": 60, "h": SECONDS_AN_HOUR, "days": SECONDS_A_DAY,
}  # fmt: skip


def assert_says(cell: str, value: float) -> None:
    """The cell names the value as nearly as its digits let it."""
    amount, unit = cell.split()
    step = 10.0 ** -len(amount.partition(".")[2])
    if float(amount) >= 100 and amount.endswith("0"):
        step = 10.0
    assert abs(float(amount) - value / UNITS[unit]) <= step / 2 * 1.001, (cell, value / UNITS[unit])
