"""The sheet that is printed of a report: whether there is to be one, and what stands on it besides the report."""

from dataclasses import replace

from leapfrog.language.speaker import Speaker
from leapfrog.processes.messages import ReportJob, Sheet
from leapfrog.wording.print_words import replaces_sheet
from leapfrog.wording.report_words import ReportWords, WorklistRow


def is_wanted(sheet: Sheet, result: str, row: WorklistRow) -> bool:
    """Whether a report with this result is printed, as far as that depends on what it says."""
    if sheet.known_result == result:
        return False
    if sheet.only_if == "urgent":
        return row.urgent
    return sheet.only_if == "any" or row.urgent or row.kind == "look"


def render_sheet(job: ReportJob, sheet: Sheet, words: ReportWords, speaker: Speaker, result: str) -> bytes:
    """The sheet as a PDF, as `speaker` says it. Raises OSError when a picture cannot be read."""
    from leapfrog.reader.report.pdf import render_pdf  # most renders of a growing study need none

    replaces = sheet.replaces if sheet.replaced_result != result else ""
    return render_pdf(replace(words, replaces=replaces_sheet(replaces)), speaker, job.picture_dir, sheet.page_size)
