"""The report as a page that opens from a disk, a share or a server, on a tablet or on paper, without a script."""

from pathlib import Path

from leapfrog.web_page import content_security_policy, environment, inline
from leapfrog.wording.report import ReportWords

TEMPLATES = Path(__file__).with_name("templates")
# Compiled at import, which a reader does while it is idle.
TEMPLATE = environment(TEMPLATES).get_template("report.html")


def render_page(report: ReportWords, *, has_pdf: bool, worklist_href: str) -> str:
    """The HTML of `report`; its pictures are named as they lie beside it. An empty `worklist_href` gives no link."""
    return TEMPLATE.render(
        report=report,
        policy=content_security_policy(),
        style=inline(TEMPLATES / "report.css"),
        has_pdf=has_pdf,
        worklist_href=worklist_href,
    )
