"""All that is asked of districts: an inquirer for each, so that one that is down delays no other."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from leapfrog.outbox.pacing.precedence import Precedence
from leapfrog.outbox.pacing.schedule import SyncWindows
from leapfrog.outbox.pacing.throttle import Throttle
from leapfrog.problem import Problem
from leapfrog.settings import Settings
from leapfrog.state.answer_files import ANSWERS_NAME, AnswerFiles
from leapfrog.state.journal import Journal
from leapfrog.state.rendered import Rendered

if TYPE_CHECKING:
    from leapfrog.outbox.answers.inquirer import AnswerInquirer


class Inquiries:
    """Those of the destinations with `fetch_reports`; each of `inquirers` is a part with a thread of its own."""

    def __init__(
        self,
        settings: Settings,
        journal: Journal,
        rendered: Rendered,
        on_answer: Callable[[str], None],
        windows: SyncWindows,
        throttle: Throttle,
        precedence: Precedence,
    ) -> None:
        """As of an AnswerInquirer."""
        files = AnswerFiles(settings.state_dir / ANSWERS_NAME, settings.retention.min_free_bytes)
        files.clear_partial()
        self.inquirers = tuple(
            _inquirer()(
                destination,
                settings.station.issuer_of_patient_id,
                journal,
                files,
                rendered,
                on_answer,
                windows=windows,
                throttle=throttle,
                precedence=precedence,
            )
            for destination in settings.destinations
            if destination.fetch_reports
        )

    def wake(self) -> None:
        """A sync window begins or ends. May be called from any thread; returns at once."""
        for inquirer in self.inquirers:
            inquirer.wake()

    def ask_now(self, name: str | None = None) -> None:
        """Ask once about every exam, now, at all destinations or at the one called `name`. Returns at once."""
        for inquirer in self.inquirers:
            if name in (None, inquirer.destination):
                inquirer.ask_now()

    def problems(self) -> tuple[Problem, ...]:
        """What is wrong, for `status` and `doctor`."""
        every = (problem for inquirer in self.inquirers for problem in inquirer.problems())
        return tuple(dict.fromkeys(every))  # answers for others are the same whoever is asked


def _inquirer() -> "type[AnswerInquirer]":
    from leapfrog.outbox.answers.inquirer import AnswerInquirer  # `requests` takes 4 MiB, and few boxes ask

    return AnswerInquirer
