"""Which reports get a sheet of paper by themselves, and that a later one says which sheet it replaces."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from leapfrog.lanes.paper import Paper as Decisions
from leapfrog.settings import PrintSettings
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal
from leapfrog.state.prints import NewPrint, PrintRecord, Prints
from leapfrog.state.records import StudyRecord
from leapfrog.state.studies import Studies
from support.journal_rows import commit, new_instance
from support.reading_box import Box, running
from support.waiting import wait_until

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext is not installed"),
]


class Paper:
    """A box with a printer that nobody looks after, so that prints only wait."""

    def __init__(self, directory: Path, **settings: Any) -> None:
        self.box = Box(directory, quiet_seconds=0.3, printing={"printer": "laser", **settings})
        self.prints = Prints(self.box.journal)

    @property
    def study(self) -> StudyRecord:
        (study,) = Studies(self.box.journal).newest(1)
        return study

    def image(self, **values: Any) -> None:
        """One more image, until its study is quiet with it."""
        self.box.wait_for_state(self.box.add_image(**values), "read")
        wait_until(lambda: self.study.state == "quiet" and not self.study.changed, "the study is quiet")

    def all(self) -> list[PrintRecord]:
        """The prints of the study, oldest first."""
        rows = self.box.journal.rows("SELECT id FROM deliveries WHERE kind = 'print' ORDER BY sequence")
        return [found for row in rows if (found := self.prints.get(row["id"])) is not None]

    def printed(self, record: PrintRecord) -> None:
        """As if it had come out."""
        self.prints.end(record.id, "confirmed")

    def again(self) -> None:
        """Read all images of the study again."""
        changes = self.study.changes
        self.box.journal.change("UPDATE instances SET state = 'received' WHERE state <> 'received'")
        self.box.dispatcher.wake()
        wait_until(
            lambda: self.study.changes > changes and self.study.state == "quiet" and not self.study.changed,
            "it was read again",
        )


@pytest.fixture
def paper(tmp_path: Path) -> Iterator[Paper]:
    made = Paper(tmp_path)
    with running(made.box):
        yield made


def text_of(sheet: Path) -> str:
    done = subprocess.run(["pdftotext", "-layout", str(sheet), "-"], capture_output=True, check=True, timeout=30)
    return " ".join(done.stdout.decode().split())


def test_a_finished_exam_gets_a_sheet_also_one_that_was_not_assessed(paper: Paper) -> None:
    paper.image()
    assert json.loads(paper.study.worklist_row)["kind"] == "not_assessed"
    (one,) = paper.all()
    assert (one.state, one.sheet_made, one.printer, one.page_size) == ("waiting", True, "laser", "A4")
    assert paper.box.rendered.sheet(paper.study.key, one.id).read_bytes().startswith(b"%PDF")
    published = paper.box.report_dir(paper.study)
    assert not list(published.glob("print-*"))


def test_the_same_result_is_not_printed_again(paper: Paper) -> None:
    paper.image()
    paper.printed(paper.all()[0])
    paper.again()
    assert len(paper.all()) == 1 and paper.study.paper_is_settled


def test_another_result_is_printed_and_says_which_sheet_it_replaces(paper: Paper) -> None:
    paper.image()
    paper.printed(paper.all()[0])
    paper.image()
    first, second = paper.all()
    assert second.result != first.result and second.version > first.version
    said = text_of(paper.box.rendered.sheet(paper.study.key, second.id))
    assert "This replaces the sheet of" in said and "Throw that one away." in said


def test_a_sheet_that_was_not_handed_over_gives_way_to_a_newer_one(paper: Paper) -> None:
    paper.image()
    paper.image()
    assert [one.state for one in paper.all()] == ["superseded", "waiting"]
    said = text_of(paper.box.rendered.sheet(paper.study.key, paper.all()[1].id))
    assert "replaces" not in said


def test_what_is_asked_for_is_made_on_its_own_paper(paper: Paper) -> None:
    paper.image()
    paper.printed(paper.all()[0])
    study = paper.study
    asked = NewPrint(
        id="a" * 16, version=study.version, result="", printer="other", copies=2, page_size="80mm", on_request=True
    )
    paper.prints.add(asked, study.key)
    paper.box.dispatcher.sheet_is_wanted()
    wait_until(lambda: (one := paper.prints.get(asked.id)) and one.sheet_made, "the sheet is made")
    made = paper.all()[-1]
    assert made.version == study.version and made.result == paper.all()[0].result
    assert "replaces" not in text_of(paper.box.rendered.sheet(study.key, made.id))


@pytest.mark.parametrize("which", ["flagged", "on_request"])
def test_only_what_the_settings_say_is_printed(which: str, tmp_path: Path) -> None:
    made = Paper(tmp_path, which=which)
    with running(made.box):
        made.image()
        assert made.all() == [] and made.study.paper_is_settled


def test_exams_from_before_printing_are_not_printed_by_themselves(tmp_path: Path) -> None:
    made = Paper(tmp_path)
    with running(made.box):
        made.image()
        made.box.journal.change("DELETE FROM deliveries WHERE kind = 'print'")
        made.box.journal.change("UPDATE studies SET settled_result = 'unknown'")
        made.again()
        assert made.all() == []


def test_a_growing_study_is_printed_only_when_it_is_urgent_and_then_once(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    new = new_instance()
    Instances(journal).add(new)
    commit(journal, new.id)
    study, prints = Studies(journal).get(new.id), Prints(journal)
    paper = Decisions(PrintSettings(printer="laser"), prints)
    growing, closing = paper.sheet_for(study, closing=False), paper.sheet_for(study, closing=True)
    assert growing is not None and closing is not None
    assert (growing[1].only_if, closing[1].only_if) == ("urgent", "any")
    urgent = NewPrint(id="b" * 16, version=1, result="urgent", printer="laser", copies=1, page_size="A4")
    prints.add(urgent, study.key)
    assert paper.sheet_for(study, closing=False) is None
    later = paper.sheet_for(study, closing=True)
    assert later is not None and later[1].known_result == "urgent"
    journal.close()


def test_what_is_on_paper_is_corrected_although_nothing_is_flagged_any_more(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    new = new_instance()
    Instances(journal).add(new)
    commit(journal, new.id)
    study, prints = Studies(journal).get(new.id), Prints(journal)
    paper = Decisions(PrintSettings(printer="laser", which="flagged"), prints)
    before = paper.sheet_for(study, closing=True)
    prints.add(NewPrint(id="c" * 16, version=1, result="x", printer="laser", copies=1, page_size="A4"), study.key)
    after = paper.sheet_for(study, closing=True)
    assert before is not None and after is not None
    assert (before[1].only_if, after[1].only_if) == ("flagged", "any")
    journal.close()
