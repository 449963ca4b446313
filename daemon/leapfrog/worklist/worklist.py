"""The worklist `reports/index.html`: one line per exam, urgent ones on top. Its search works without a server."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from markupsafe import Markup

from leapfrog.heartbeat.heartbeat import ASK_SCRIPT, WATCH_SCRIPT
from leapfrog.heartbeat.names import ALIVE_NAME, POLL_MILLISECONDS
from leapfrog.language.page_words import languages_offered
from leapfrog.language.sentence import day
from leapfrog.language.speaker import Speaker
from leapfrog.page_fonts.page_fonts import FONTS_HERE, UNDRAWN_SCRIPT, Script, scripts_in, with_fonts
from leapfrog.web_page import LANGUAGE_SCRIPT, content_security_policy, environment, inline
from leapfrog.wording.text import clean, each_once
from leapfrog.worklist.box_line import BoxForStaff, box_line, for_staff
from leapfrog.worklist.listed_exam import ListedExam, cautions_for, groups_of
from leapfrog.worklist.older_page import FONTS_NAME, OlderPage
from leapfrog.worklist.script_words import SCRIPT_WORDS

TEMPLATES = Path(__file__).with_name("templates")
INDEX_NAME = "index.html"
# In place of what is known only once the page is rendered. No text that is shown has a private character (`clean`).
WHEN, WHAT = "\ue000when\ue000", "\ue000what\ue000"


@dataclass(frozen=True)
class Worklist:
    """The list as a page. `identity` is the same for lists that show the same. It takes fonts of these `scripts` from
    `FONTS_NAME`.
    """

    page: str
    scripts: tuple[Script, ...]
    identity: str


def write_file(file: Path, content: bytes) -> None:
    """Replace a page, or a font beside it, in one step, unless it is the same already. It is not made durable, since it
    is written anew at each start.

    Raises OSError when the disk fails or is full; then the old page stays.
    """
    file.parent.mkdir(mode=0o750, exist_ok=True)
    if file.exists() and file.read_bytes() == content:
        return
    temporary = file.with_name(f".{file.name}.part")
    temporary.write_bytes(content)
    temporary.replace(file)


def render_worklist(
    exams: Sequence[ListedExam], box: BoxForStaff, older: Sequence[OlderPage] = (), language: str = "en"
) -> Worklist:
    """The worklist, in `language`. `exams`, which stand in it, and the pages of `older` ones must be newest first."""
    speaker = Speaker(language)
    script_files = (
        ASK_SCRIPT,
        LANGUAGE_SCRIPT,
        WATCH_SCRIPT,
        UNDRAWN_SCRIPT,
        TEMPLATES / "search.js",
        TEMPLATES / "worklist.js",
    )
    script = Markup("").join(map(inline, script_files))
    cautions = cautions_for(exams)
    page = (
        environment(TEMPLATES)
        .get_template("worklist.html")
        .render(
            policy=content_security_policy(script, frames=True, fonts="files"),
            fonts=FONTS_HERE,
            style=inline(TEMPLATES / "worklist.css"),
            script=script,
            groups=groups_of(exams),
            cautions=cautions,
            older_cautions=each_once(caution for page in older for caution in page.cautions if caution not in cautions),
            shown=len(exams),
            total=len(exams) + sum(page.total for page in older),
            months=[(month, list(pages)) for month, pages in groupby(older, key=lambda page: page.month)],
            speaker=speaker,
            languages=languages_offered(),
            script_words=SCRIPT_WORDS,
            station=clean(box.station),
            line=box_line(box),
            attention=for_staff(box.attention),
            today=f"{box.updated_at:%Y-%m-%d}",
            alive=ALIVE_NAME,
            poll_milliseconds=POLL_MILLISECONDS,
            updated=WHEN,
            identity=WHAT,
        )
    )
    # What an older page finds is shown in this one.
    scripts = tuple(dict.fromkeys((*scripts_in(page), *(script for one in older for script in one.scripts))))
    page = with_fonts(page, FONTS_NAME, scripts)
    identity = hashlib.sha256(page.encode()).hexdigest()[:16]
    when = f"{box.updated_at:%Y-%m-%d %H:%M:%S}"
    page = page.replace(f'"d":"{WHEN}"', f'"d":"{when}"')
    # Where a number would be kept apart from words that run the other way, so was what stood in its place.
    page = re.sub(f"\u2066?{WHEN}\u2069?", speaker.say(day(when)), page)
    return Worklist(page.replace(WHAT, identity), scripts, identity)
