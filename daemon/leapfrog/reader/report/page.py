"""The report as a web page, to be opened from a disk, a share or a server, on a tablet or printed. Its script opens a
picture large and says when there is a newer version; without it the page lacks nothing else.
"""

from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from leapfrog.heartbeat.heartbeat import ASK_SCRIPT, WATCH_SCRIPT
from leapfrog.heartbeat.names import ALIVE_NAME, NEWEST_NAME, POLL_MILLISECONDS
from leapfrog.language.page_words import languages_offered
from leapfrog.language.speaker import Speaker
from leapfrog.page_fonts.page_fonts import FONTS_HERE, UNDRAWN_SCRIPT, with_fonts
from leapfrog.processes.messages import EarlierExam
from leapfrog.web_page import LANGUAGE_SCRIPT, content_security_policy, environment, inline
from leapfrog.wording.print_words import SHEET_WORDS
from leapfrog.wording.report_words import ReportWords

TEMPLATES = Path(__file__).with_name("templates")
# Compiled at import, which happens while a reader is idle.
TEMPLATE = environment(TEMPLATES).get_template("report.html")


def render_page(
    report: ReportWords,
    speaker: Speaker,
    *,
    version: int,
    has_pdf: bool,
    worklist_href: str,
    earlier_exams: Sequence[EarlierExam] = (),
) -> str:
    """The HTML of `report`, as `speaker` says it. It expects its pictures in the same folder. Without `worklist_href`
    it has no such link, and nobody will write a newer version or say that the box runs, so it does not listen for that.
    """
    scripts = (ASK_SCRIPT, LANGUAGE_SCRIPT, WATCH_SCRIPT, TEMPLATES / "newer.js") if worklist_href else ()
    listening = Markup("").join(map(inline, scripts))
    root = worklist_href.rpartition("/")[0]
    script = listening + inline(TEMPLATES / "viewer.js") + inline(UNDRAWN_SCRIPT)
    page = TEMPLATE.render(
        report=report,
        policy=content_security_policy(script, frames=bool(listening), fonts="inside"),
        script=script,
        listens=bool(listening),
        script_words=SHEET_WORDS,
        version=version,
        alive_href=f"{root}/{ALIVE_NAME}",
        languages_root=f"{root}/",
        languages=languages_offered(),
        speaker=speaker,
        newest_href=NEWEST_NAME,
        poll_milliseconds=POLL_MILLISECONDS,
        style=inline(TEMPLATES / "report.css"),
        viewer_style=inline(TEMPLATES / "viewer.css"),
        has_pdf=has_pdf,
        worklist_href=worklist_href,
        earlier_exams=earlier_exams,
        fonts=FONTS_HERE,
    )
    return with_fonts(page)
