"""The report as a page that opens from a disk, a share or a server, on a tablet or on paper, without a script.

Runs in a reader.
"""

from leapfrog.report.content import PHANTOM_BANNER, ReportContent
from leapfrog.report.pages import content_security_policy, environment, inline

TEMPLATE = environment().get_template("report.html")  # compiled at import, which a reader does while it is idle


def render_page(report: ReportContent, *, has_pdf: bool, worklist_href: str) -> str:
    """The HTML of `report`; its pictures are named as they lie beside it. An empty `worklist_href` gives no link."""
    return TEMPLATE.render(
        report=report,
        policy=content_security_policy(),
        style=inline("report.css"),
        phantom_banner=PHANTOM_BANNER,
        has_pdf=has_pdf,
        worklist_href=worklist_href,
    )
