"""A page of older exams. It can be read by itself; framed by the worklist, it answers its searches."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from leapfrog.heartbeat.heartbeat import ASK_SCRIPT, WATCH_SCRIPT
from leapfrog.heartbeat.names import ALIVE_NAME, POLL_MILLISECONDS
from leapfrog.language.page_words import languages_offered
from leapfrog.language.sentence import Sentence
from leapfrog.language.speaker import Speaker
from leapfrog.page_fonts.page_fonts import FONTS_HERE, UNDRAWN_SCRIPT, Script, scripts_in, with_fonts
from leapfrog.web_page import LANGUAGE_SCRIPT, content_security_policy, environment, inline
from leapfrog.wording.text import clean
from leapfrog.worklist.listed_exam import ListedExam, cautions_for
from leapfrog.worklist.script_words import SEARCH_WORDS

TEMPLATES = Path(__file__).with_name("templates")
OLDER_NAME = "older"  # the folder of these pages, beside the worklist
FONTS_NAME = "fonts"  # the folder of the fonts of all these pages, beside it too


@dataclass(frozen=True)
class OlderPage:
    """What the worklist knows of a page of older exams without opening it: how many there are of each kind, the days
    of the first and the last, what letters they have, and the cautions of the packages that read them.
    """

    file: str
    first_day: str
    last_day: str
    total: int
    urgent: int
    person: int
    not_assessed: int
    unsent: int
    answered: int
    scripts: tuple[Script, ...]
    cautions: tuple[Sentence, ...]

    @property
    def month(self) -> str:
        """The month of its newest exam, YYYY-MM."""
        return self.last_day[:7]


def file_name(number: int) -> str:
    """What the page of a range of studies is called."""
    return f"{number}.html"


def older_page(number: int, exams: Sequence[ListedExam]) -> OlderPage:
    """What there is to know of the page of range `number`, whose `exams` are newest first. There is at least one."""
    days = [exam.study.received_date for exam in exams]
    return OlderPage(
        file=f"{OLDER_NAME}/{file_name(number)}",
        first_day=min(days),
        last_day=max(days),
        total=len(exams),
        urgent=sum(exam.row.urgent for exam in exams),
        person=sum(exam.needs_person for exam in exams),
        not_assessed=sum(exam.is_unassessed for exam in exams),
        unsent=sum(exam.is_unsent for exam in exams),
        answered=sum(exam.is_answered for exam in exams),
        scripts=scripts_in("".join(exam.row.model_dump_json() for exam in exams)),
        cautions=cautions_for(exams),
    )


def render_older(station: str, page: OlderPage, exams: Sequence[ListedExam], language: str = "en") -> str:
    """The HTML of a page, in `language`."""
    scripts = (
        ASK_SCRIPT,
        LANGUAGE_SCRIPT,
        WATCH_SCRIPT,
        UNDRAWN_SCRIPT,
        TEMPLATES / "search.js",
        TEMPLATES / "older.js",
    )
    script = Markup("").join(map(inline, scripts))
    rendered = (
        environment(TEMPLATES)
        .get_template("older.html")
        .render(
            policy=content_security_policy(script, frames=True, fonts="files"),
            fonts=FONTS_HERE,
            style=inline(TEMPLATES / "worklist.css"),
            script=script,
            speaker=Speaker(language),
            languages=languages_offered(),
            search_words=SEARCH_WORDS,
            alive=f"../{ALIVE_NAME}",
            poll_milliseconds=POLL_MILLISECONDS,
            station=clean(station),
            page=page,
            exams=exams,
        )
    )
    return with_fonts(rendered, f"../{FONTS_NAME}")
