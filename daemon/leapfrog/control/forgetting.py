"""The command `forget`: an exam that may not be kept is forgotten, if nothing is owed of it, or although."""

import time
from collections.abc import Callable
from typing import Any

from leapfrog.errors import UsageError
from leapfrog.outbox.told import with_article
from leapfrog.settings.destinations import DISTRICT
from leapfrog.state.action_log import copies_of
from leapfrog.state.forgetting.exam import ExamForgetting
from leapfrog.state.forgetting.holdings import AtDestination, Holdings, holdings_of
from leapfrog.state.journal import Journal
from leapfrog.state.publications import Publications
from leapfrog.state.spool import Spool
from leapfrog.state.studies import Studies
from leapfrog.state.studies_in_use import ARRIVALS
from leapfrog.wording.text import count

# How long to wait until an image of the exam was read or its report rendered. A transfer is cut off.
IN_USE_SECONDS = 30.0
ARRIVAL_SECONDS = 20.0
# How long to wait until its report is taken away from the folder that staff open.
TAKEN_AWAY_SECONDS = 5.0
LOOK_SECONDS = 0.1
KINDS = {
    "original": "original",
    "report_pdf": "report",
    "overlay": "overlay",
    "structured_report": "structured report",
    "segmentation": "segmentation",
    "preview": "preview",
}


class Forgetting:
    """Forgets exams, on one open journal."""

    def __init__(
        self,
        journal: Journal,
        spool: Spool,
        exam_key: Callable[[str], str],
        render_again: Callable[[str], None],
        on_forgotten: Callable[[], None],
        exam_is_gone: Callable[[str], None],
        knows_all_images: Callable[[], bool] = lambda: True,
    ) -> None:
        """`exam_key` gives the key of an exam that a person names, `render_again` has the report of one made anew,
        `on_forgotten` is called when a report is to be taken away, and `exam_is_gone` with an exam's number, before
        anything arrives again. `knows_all_images`: whether each that is in the spool is in the journal too.
        """
        self._journal = journal
        self._studies = Studies(journal)
        self._publications = Publications(journal)
        self._exams = ExamForgetting(journal, spool)
        self._exam_key = exam_key
        self._render_again = render_again
        self._on_forgotten = on_forgotten
        self._exam_is_gone = exam_is_gone
        self._knows_all_images = knows_all_images

    def holdings(self, exam: str) -> dict[str, Any]:
        """What there is of an exam, and who has what of it. Raises UsageError for an unknown one."""
        return self._told(self._holdings(self._exam_key(exam)))

    def forget(self, exam: str, reason: str, although_owed: bool = False) -> dict[str, Any]:
        """Forget an exam, and never take it up again. What is owed of it is given up, if `although_owed`; the `reason`
        goes to the log of who did what. Returns what was forgotten, and what others have of it.

        Raises UsageError for an unknown exam, where something is owed, while an image of it is being read, and while
        one may be in the spool that the journal does not know yet: it would come back as an exam of its own.
        """
        key = self._exam_key(exam)
        if not reason.strip():
            raise UsageError("Say in a few words why it is forgotten, with --reason. Name no patient: it is kept.")
        self._require_not_owed(self._holdings(key), although_owed)
        with self._journal.in_use.alone(key, IN_USE_SECONDS) as is_free:
            if not is_free:
                raise UsageError(
                    f"Exam {self._name(key)} is being read, or its report made. Nothing was forgotten: try again in a"
                    " minute."
                )
            with self._journal.in_use.alone(ARRIVALS, ARRIVAL_SECONDS) as is_quiet:
                if not is_quiet:
                    raise UsageError("Images are arriving. Nothing was forgotten: try again in a minute.")
                if not self._knows_all_images():
                    raise UsageError(
                        "There are images that Leapfrog has not taken into its journal again since its start, and one"
                        " of this exam may be among them. Nothing was forgotten: try again in a minute, while Leapfrog"
                        " runs."
                    )
                holdings = self._holdings(key)  # it may have changed while others worked on it
                self._require_not_owed(holdings, although_owed)
                mentioning = self._exams.forget(holdings)
                self._exam_is_gone(holdings.study.exam_number)
        for other in mentioning:
            self._render_again(other)
        self._on_forgotten()
        return self._told(holdings) | {
            "report_taken_away": self._is_taken_away(key),
            "reports_made_anew": len(mentioning),
            "kept_journals": list(self._exams.kept_journals()),
        }

    def _holdings(self, key: str) -> Holdings:
        study = self._studies.find(key)
        if study is None:
            raise UsageError(f"There is no exam {key} any more.")
        return holdings_of(self._journal, study)

    def _name(self, key: str) -> str:
        return self._studies.exam_number(key) or key

    def _require_not_owed(self, holdings: Holdings, although_owed: bool) -> None:
        if not holdings.owed or although_owed:
            return
        owed = "; ".join(f"{_kinds(one)} to {_destination(one.name)}" for one in holdings.owed)
        raise UsageError(
            f"Exam {self._name(holdings.study.key)} was not forgotten. Still owed, so that perhaps nobody else has it:"
            f" {owed}. `leapfrog sync` sends it now; with --although-owed it is given up."
        )

    def _is_taken_away(self, key: str) -> bool:
        """Whether its report is gone from the folder that staff open, or soon was."""
        until = time.monotonic() + TAKEN_AWAY_SECONDS
        while self._publications.is_to_take_away(key):
            if time.monotonic() > until:
                return False
            time.sleep(LOOK_SECONDS)
        return True

    def _told(self, holdings: Holdings) -> dict[str, Any]:
        """As JSON has it."""
        study = holdings.study
        return {
            "exam_number": study.exam_number,
            "study_key": study.key,
            "received_at": study.received_at,
            "images": len(holdings.images),
            "owed": {one.name: one.owed for one in holdings.owed},
            "destinations": [
                {"name": one.name, "confirmed": one.confirmed, "perhaps": one.perhaps, "on_sticks": one.on_sticks}
                for one in holdings.destinations
            ],
            "sheets": holdings.sheets,
            "copies": copies_of(self._journal.path.parent, study.exam_number or study.key),
            "folder_files": list(holdings.folder_files),
        }


def _destination(name: str) -> str:
    return "the district server" if name == DISTRICT else with_article(name)


def _kinds(one: AtDestination) -> str:
    return ", ".join(count(total, KINDS.get(kind, kind)) for kind, total in sorted(one.owed.items()))
