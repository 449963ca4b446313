"""Keeps the worklist up to date: writes it anew, in the state directory, when a report was published or what it shows
changed otherwise. The publisher brings it to the folder that staff open.

The newest exams stand in the worklist itself. All others stand in pages of older ones, of which one more exam changes
one: that from which, or into which, an exam went.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from pydantic import ValidationError

from leapfrog.heartbeat.heartbeat import language_page
from leapfrog.language.languages import LanguageCode
from leapfrog.language.page_words import LANGUAGES_NAME, language_messages, languages_offered
from leapfrog.page_fonts.page_fonts import FONTS, Script, fonts_of
from leapfrog.state.exam_states import exam_states
from leapfrog.state.journal import Journal
from leapfrog.state.listed_studies import ListedStudies
from leapfrog.state.records import StudyRecord
from leapfrog.wording.report_words import WorklistRow
from leapfrog.worker import Worker
from leapfrog.worklist.box_line import BoxForStaff
from leapfrog.worklist.listed_exam import ListedExam
from leapfrog.worklist.older_page import FONTS_NAME, OLDER_NAME, OlderPage, file_name, older_page, render_older
from leapfrog.worklist.worklist import INDEX_NAME, render_worklist, write_file

WORKLIST_STUDIES = 300  # in the worklist itself: as many as staff scroll through; a search finds the older ones too
UNREAD_STUDIES = 50  # of which no image could be read: so many are shown however many were read
PAGES_AT_ONCE = 32  # of older exams; after a start all are looked at
SHORTEST_PAUSE_SECONDS = 1.0  # in a burst of reports the list is written once per second, not once per report
LONGEST_PAUSE_SECONDS = 30.0  # for what changes without a report: something was sent, the disk fills

_log = logging.getLogger(__name__)


class WorklistWriter(Worker):
    """Writes the worklist at the start and whenever it is woken, but not more than once per second, and no page that
    would show the same as before.
    """

    def __init__(
        self,
        directory: Path,
        journal: Journal,
        box: Callable[[], BoxForStaff],
        on_written: Callable[[str, Sequence[str]], None],
        language: LanguageCode = "en",
    ) -> None:
        """The pages are in `language`. `box` gives the state of the box; `on_written` is called when `directory` may
        have something new: with the identity of the worklist, and the other pages that changed. Nothing is written
        until `start`.
        """
        super().__init__("worklist")
        self._directory = directory
        self._on_written = on_written
        self._language = language
        self._languages_written = False
        self._journal = journal
        self._listed = ListedStudies(journal)
        self._box = box
        self._identity = ""
        self._in_list: dict[str, int] = {}  # the studies in the worklist itself, with their ranges
        self._pages: dict[int, OlderPage] = {}
        self._to_look_at: set[int] | None = None  # ranges whose page may have changed; None: every one
        self._fonts: set[Script] = set()  # those that lie beside the pages
        self._looked_at: list[str] = []  # pages and fonts that the publisher has not heard of yet

    def stop(self) -> None:
        """Write the list one last time, so that it shows everything that was finished."""
        super().stop()
        self._write()

    def turn(self) -> float:
        """Write what changed, then pause for a while, whoever wakes this thread."""
        self._write()
        self._stopping.wait(SHORTEST_PAUSE_SECONDS)
        return 0.0 if self._to_look_at else LONGEST_PAUSE_SECONDS

    def _write(self) -> None:
        try:
            studies = self._listed.newest(WORKLIST_STUDIES, UNREAD_STUDIES)
            box = self._box()
            self._note_changes([study.key for study in studies])
            self._write_languages()
            self._write_older(box.station)
            worklist = render_worklist(self._exams(studies), box, self._pages_in_order(), self._language)
            self._write_fonts(worklist.scripts)
            if worklist.identity != self._identity:
                write_file(self._directory / INDEX_NAME, worklist.page.encode())
                self._identity = worklist.identity
        except OSError as problem:  # such as a full disk: reading goes on, and it is tried again
            _log.warning("The worklist could not be written: %s.", problem.strerror)
            return
        looked_at, self._looked_at = self._looked_at, []
        self._on_written(self._identity, looked_at)

    def _write_languages(self) -> None:
        """Write the pages that say what the other pages say in another language; they change with the program only."""
        if self._languages_written:
            return
        for code, _ in languages_offered():
            self.beat()
            file = self._directory / LANGUAGES_NAME / f"{code}.html"
            messages = language_messages(code)
            write_file(file, language_page(messages, fonts_of(messages)).encode())
            self._looked_at.append(f"{LANGUAGES_NAME}/{file.name}")
        self._languages_written = True

    # ------------------------------------------------------------ older exams

    def _note_changes(self, keys: Sequence[str]) -> None:
        """Note which pages are to be looked at: those in which a study changed, or whose study came into the list
        itself, or left it.
        """
        changed = self._listed.take_changed()
        in_list = self._listed.ranges_of(keys)
        moved = {key: (in_list | self._in_list)[key] for key in in_list.keys() ^ self._in_list.keys()}
        self._in_list = in_list
        if self._to_look_at is None:
            self._to_look_at = self._listed.ranges()
        self._to_look_at |= changed | set(moved.values())

    def _write_older(self, station: str) -> None:
        """Write the newest few of the pages to be looked at."""
        for number in sorted(self._to_look_at or (), reverse=True)[:PAGES_AT_ONCE]:
            self.beat()
            studies = [study for study in self._listed.published_in(number) if study.key not in self._in_list]
            self._write_page(station, number, self._exams(studies))
            self._to_look_at = (self._to_look_at or set()) - {number}

    def _write_page(self, station: str, number: int, exams: Sequence[ListedExam]) -> None:
        file = self._directory / OLDER_NAME / file_name(number)
        if exams:
            self._pages[number] = older_page(number, exams)
            write_file(file, render_older(station, self._pages[number], exams, self._language).encode())
        else:
            self._pages.pop(number, None)
            file.unlink(missing_ok=True)
        self._looked_at.append(f"{OLDER_NAME}/{file.name}")

    def _write_fonts(self, scripts: Iterable[Script]) -> None:
        """Put the fonts of these scripts beside the pages, each once."""
        for script in scripts:
            if script not in self._fonts:
                write_file(self._directory / FONTS_NAME / script.file, (FONTS / script.file).read_bytes())
                self._fonts.add(script)
                self._looked_at.append(f"{FONTS_NAME}/{script.file}")

    def _pages_in_order(self) -> list[OlderPage]:
        return [page for _, page in sorted(self._pages.items(), reverse=True)]

    def _exams(self, studies: Iterable[StudyRecord]) -> list[ListedExam]:
        studies = list(studies)
        states = exam_states(self._journal, [study.key for study in studies])
        return [
            ListedExam(study, row, states[study.key])
            for study in studies
            if study.key in states and (row := _row_of(study)) is not None
        ]


def _row_of(study: StudyRecord) -> WorklistRow | None:
    """The study's line; None, with a word in the log, when it cannot be read: one bad row must not cost the list."""
    try:
        return WorklistRow.model_validate_json(study.worklist_row)
    except ValidationError:
        _log.warning("The line of exam %s (%s) cannot be read, so the worklist lacks it.", study.exam_number, study.key)
        return None
