"""All that has to do with what archives promise to keep: a thread for each archive that asks, and the book in which
every answer is noted.
"""

import time
from collections.abc import Callable, Sequence

from leapfrog.dicom.commitment import ReceivedReport
from leapfrog.outbox.commitments.desk import PeerLines
from leapfrog.outbox.destinations.dicom.promise_asker import AskTiming, PromiseAsker
from leapfrog.outbox.destinations.dicom.promises import PromiseBook
from leapfrog.problem import Problem
from leapfrog.settings import DestinationSettings
from leapfrog.state.journal import Journal
from leapfrog.state.sending.handed_over import HandedOvers


class PromiseDesk:
    """Any thread may call it."""

    def __init__(
        self,
        destinations: Sequence[DestinationSettings],
        ae_title: str,
        journal: Journal,
        on_answered: Callable[[], None],
        may_call: Callable[[], bool],
        log: PeerLines,
        timing: AskTiming | None = None,
    ) -> None:
        """Of `destinations`, those with `commit` are asked. `ae_title` is this box's own. `on_answered` is called when
        an archive answered; `may_call` says whether anything may be sent now.
        """
        archives = tuple(one for one in destinations if one.kind == "dicom" and one.commit)
        handed_over = HandedOvers(journal)
        self._book = PromiseBook(archives, handed_over, on_answered, log)
        self._askers = tuple(
            PromiseAsker(archive, ae_title, handed_over, self._book, may_call, timing) for archive in archives
        )

    def start(self) -> None:
        """Ask what is to be asked, also of an earlier run."""
        for asker in self._askers:
            asker.start()

    def stop(self) -> None:
        """Break off all calls."""
        for asker in self._askers:
            asker.stop()

    def wake(self) -> None:
        """There may be something to ask. Returns at once."""
        for asker in self._askers:
            asker.wake()

    def heartbeat(self) -> float:
        """time.monotonic() of the last sign of life of the one that has given none for longest."""
        return min((asker.heartbeat() for asker in self._askers), default=time.monotonic())

    def promised(self, ae_title: str, address: str, report: ReceivedReport) -> bool:
        """An archive called back. Returns False if it is none that may promise this."""
        return self._book.promised(ae_title, address, report)

    def problems(self) -> tuple[Problem, ...]:
        """The archives that cannot be asked, or do not answer."""
        return tuple(problem for asker in self._askers for problem in asker.problems())
