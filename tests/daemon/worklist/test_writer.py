"""The worklist and its pages of older exams, written from a real journal: each exam stands in exactly one of them."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from leapfrog.state import listed_studies
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal
from leapfrog.state.listed_studies import ListedStudies
from leapfrog.worklist import writer
from leapfrog.worklist.box_line import BoxForStaff
from leapfrog.worklist.writer import WorklistWriter
from support.journal_rows import OLD_ROW, commit, new_instance

SIGNS = "fonts/Signs.woff2"  # which every page draws


class List:
    """A journal whose exams are published, and a writer that writes three exams in the list and four in a page."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "rendered"
        self.directory.mkdir()
        self.journal = Journal(directory / "journal.sqlite")
        self.told: list[tuple[str, tuple[str, ...]]] = []
        self.writer = self.new_writer()

    def new_writer(self) -> WorklistWriter:
        return WorklistWriter(self.directory, self.journal, self.box, self.tell)

    def box(self) -> BoxForStaff:
        return BoxForStaff(
            station="Kitgum", listening=True, unread=0, district_configured=False, owed=0, district_silent_since="",
            free_bytes=48_000_000_000, updated_at=datetime(2026, 11, 3, 14, 30, tzinfo=UTC),
        )  # fmt: skip

    def tell(self, identity: str, older: Sequence[str]) -> None:
        self.told.append((identity, tuple(older)))

    def add(self, count: int = 1) -> list[str]:
        """The keys of new exams that are published, the oldest first."""
        keys = []
        for _ in range(count):
            new = new_instance(owed=False)
            Instances(self.journal).add(new)
            commit(self.journal, new.id)
            row = OLD_ROW.model_dump_json()
            self.journal.change("UPDATE studies SET worklist_row = ?, version = 1 WHERE key = ?", row, new.id)
            self.journal.change("UPDATE studies SET published_version = 1 WHERE key = ?", new.id)
            keys.append(new.id)
        return keys

    def write(self) -> tuple[str, ...]:
        """One turn; the pages of older exams and the fonts that it wrote."""
        return tuple(file for file in self.turn() if not file.startswith("languages/"))

    def turn(self) -> tuple[str, ...]:
        """One turn; all that it wrote besides the list."""
        self.writer._write()
        return self.told[-1][1]

    def shown(self) -> dict[str, list[str]]:
        """The exams of each page."""
        files = [self.directory / "index.html", *sorted(self.directory.glob("older/*.html"))]
        return {
            str(file.relative_to(self.directory)): re.findall(r"/(\w+)/report.html", file.read_text()) for file in files
        }


@pytest.fixture
def listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[List]:
    monkeypatch.setattr(listed_studies, "RANGE", 4)
    monkeypatch.setattr(writer, "WORKLIST_STUDIES", 3)
    monkeypatch.setattr(writer, "UNREAD_STUDIES", 1)
    one = List(tmp_path)
    yield one
    one.journal.close()


def test_each_exam_stands_in_the_list_or_in_one_page_of_older_ones(listed: List) -> None:
    keys = listed.add(12)
    listed.write()
    shown = listed.shown()
    assert shown["index.html"] == keys[:-4:-1]
    assert sorted(key for page in shown.values() for key in page) == sorted(keys)
    assert len(shown) == 4  # sequences 1 to 3, 4 to 7 and 8 to 9


def test_one_exam_more_writes_the_list_and_one_page(listed: List) -> None:
    keys = listed.add(12)
    listed.write()
    assert listed.write() == ()
    (new,) = listed.add()
    assert listed.write() == ("older/3.html", "older/2.html")  # where the new one will be, and where another went
    assert listed.shown()["index.html"] == [new, keys[-1], keys[-2]]
    assert keys[-3] in listed.shown()["older/2.html"]


def test_an_older_exam_that_is_published_anew_or_sent_is_written_again(listed: List) -> None:
    keys = listed.add(12)
    listed.write()
    row = OLD_ROW.model_copy(update={"patient": "Nakato, Sarah"}).model_dump_json()
    listed.journal.change("UPDATE studies SET worklist_row = ?, version = 2 WHERE key = ?", row, keys[0])
    listed.journal.change("UPDATE studies SET published_version = 2 WHERE key = ?", keys[0])
    assert listed.write() == ("older/0.html",)
    assert "Nakato, Sarah" in (listed.directory / "older" / "0.html").read_text()


def test_an_exam_that_is_forgotten_leaves_its_page_and_an_empty_page_goes(listed: List) -> None:
    keys = listed.add(12)
    listed.write()
    for key in keys[:3]:
        listed.journal.change("DELETE FROM instances WHERE study_key = ?", key)
        listed.journal.change("DELETE FROM studies WHERE key = ?", key)
    assert listed.write() == ("older/0.html",)
    assert not (listed.directory / "older" / "0.html").exists()
    assert "older/0.html" not in (listed.directory / "index.html").read_text()


def test_the_fonts_that_the_pages_need_lie_beside_them_and_no_others(listed: List) -> None:
    def told() -> list[str]:
        return [file for file in listed.write() if file.startswith("fonts/")]

    [first] = listed.add(1)
    assert told() == [SIGNS]
    row = OLD_ROW.model_copy(update={"patient": "Иванова, राम"}).model_dump_json()
    listed.journal.change("UPDATE studies SET worklist_row = ?, published_version = 2 WHERE key = ?", row, first)
    assert told() == ["fonts/Devanagari.woff2"]
    listed.add(4)  # so that the name stands in an older page, which the list may still have to show
    assert told() == []
    assert "राम" not in (listed.directory / "index.html").read_text()
    for page in ("index.html", "older/0.html"):
        assert "fonts/Devanagari.woff2" in (listed.directory / page).read_text()
    assert {path.name for path in (listed.directory / "fonts").iterdir()} == {"Signs.woff2", "Devanagari.woff2"}


def test_a_start_looks_at_every_page_and_rewrites_none_that_is_right(listed: List) -> None:
    listed.add(12)
    listed.write()
    before = {path: path.stat().st_mtime_ns for path in listed.directory.rglob("*.html")}
    listed.writer = listed.new_writer()
    assert set(listed.write()) == {"older/0.html", "older/1.html", "older/2.html", "older/3.html", SIGNS}
    assert {path: path.stat().st_mtime_ns for path in listed.directory.rglob("*.html")} == before


def test_what_changed_is_told_once(listed: List) -> None:
    studies = ListedStudies(listed.journal)
    studies.take_changed()
    listed.add(2)
    assert studies.take_changed() == {0}
    assert studies.take_changed() == set()
