"""Calls modalities that are to be told of a storage commitment, when the association that asked is gone."""

import json

from leapfrog.dicom.commitment import encode_report
from leapfrog.dicom.encoding import EXPLICIT_LITTLE
from leapfrog.errors import EngineError
from leapfrog.outbox.commitments.desk import Call, CommitmentDesk
from leapfrog.processes.command_lines import our_program
from leapfrog.processes.trial import TrialEnd, Trials
from leapfrog.worker import Worker

PROGRAM = "leapfrog.dimse.commitment_report"
CALL_SECONDS = 120.0  # for the start of the program on a slow box, the association and the answer
LOG_SECONDS = 60.0  # between two looks whether lines were left out of the log, and whether the week is over


class CommitmentReporter(Worker):
    """Calls one modality after the other, each in a child process of its own."""

    def __init__(self, desk: CommitmentDesk, ae_title: str) -> None:
        """`ae_title` is the box's own."""
        super().__init__("commitment-reporter")
        self._desk = desk
        self._ae_title = ae_title
        self._children = Trials()

    def turn(self) -> float:
        """Make every call that is due. Returns the seconds until the next."""
        self.beat(CALL_SECONDS)  # names are looked up
        self._desk.catch_up()
        self._desk.count_waiting()
        self._desk.flush_log()
        while self.beat(CALL_SECONDS) and (call := self._desk.next_call()) is not None:
            reason = self._make(call)
            if reason:
                self._desk.failed(call.commitment.id, reason)
            elif reason is not None:
                self._desk.reported(call.commitment.id)
        return min(self._desk.seconds_until_call(), LOG_SECONDS)

    def stop(self) -> None:
        """End a call that is being made; the next start makes it again."""
        self._stopping.set()
        self._children.stop()
        super().stop()

    def _make(self, call: Call) -> str | None:
        """Returns why the modality was not told, "" when it was, None when the box stops meanwhile."""
        command = our_program(
            PROGRAM,
            *("--host", call.modality.host, "--port", str(call.modality.port)),
            *("--calling", self._ae_title, "--called", call.commitment.ae_title),
            *("--event-type", str(call.report.event_type)),
        )
        try:
            end = self._children.run(command, CALL_SECONDS, given=encode_report(call.report, EXPLICIT_LITTLE))
        except EngineError as problem:
            return str(problem)
        return None if end.how == "stopped" else _reason(end)


def _reason(end: TrialEnd) -> str:
    if end.how == "late":
        return "It did not answer in time."
    try:
        return str(json.loads(end.printed)["reason"])
    except (ValueError, KeyError, TypeError):
        return f"The program that calls it ended with status {end.status}."
