"""The report as a web page, to be opened from a disk, a share or a server, on a tablet or printed. Its one script opens
a picture large; without it the page lacks nothing else.
"""

from collections.abc import Sequence
from pathlib import Path

from leapfrog.processes.messages import EarlierExam
from leapfrog.web_page import content_security_policy, environment, inline
from leapfrog.wording.report_words import ReportWords

TEMPLATES = Path(__file__).with_name("templates")
# Compiled at import, which happens while a reader is idle.
TEMPLATE = environment(TEMPLATES).get_template("report.html")


def render_page(
    report: ReportWords, *, has_pdf: bool, worklist_href: str, earlier_exams: Sequence[EarlierExam] = ()
) -> str:
    """The HTML of `report`. It expects its pictures in the same folder. Without `worklist_href` it has no such link."""
    script = inline(TEMPLATES / "viewer.js")
    return TEMPLATE.render(
        report=report,
        policy=content_security_policy(script),
        style=inline(TEMPLATES / "report.css"),
        viewer_style=inline(TEMPLATES / "viewer.css"),
        script=script,
        has_pdf=has_pdf,
        worklist_href=worklist_href,
        earlier_exams=earlier_exams,
    )
